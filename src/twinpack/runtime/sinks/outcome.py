"""How a message ends that was not taken, and the secrets that messages need."""

from __future__ import annotations

from pathlib import Path

MOST_SECRET_BYTES = 4_096


class NotSentError(Exception):
    """It was not taken, and trying again may help; the message holds no secret."""


class RefusedError(NotSentError):
    """It was refused for what it is: trying again is hardly of use."""


def secret_of(home: Path, file: str, key: str) -> bytes:
    """What a file holds, without blanks around it; read anew for each message, so that it may be changed.

    Args:
        home: Folder of the workspace, from which a relative path counts.
        file: Path of the file.
        key: The setting that names it, for messages.

    Raises:
        NotSentError: It cannot be read, is empty, or is too long to be a secret.
    """
    try:
        with (home / Path(file).expanduser()).open("rb") as opened:
            found = opened.read(MOST_SECRET_BYTES + 1).strip()
    except OSError as error:
        raise NotSentError(f"{key} {file!r} cannot be read: {error.strerror}") from None
    if not found or len(found) > MOST_SECRET_BYTES:
        raise NotSentError(f"{key} {file!r} holds no secret: it is {'too long' if found else 'empty'}")
    return found
