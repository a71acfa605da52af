"""Where the tables of a lake lie: in a folder, or under the URL of an object store.

What an object store asks for (keys, region, endpoint) is taken from the environment, as its own tools do (`AWS_…`,
`GOOGLE_…`, `AZURE_…`), and is kept nowhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake.fs import DeltaStorageHandler

from twinpack.errors import SettingsError
from twinpack.store.files import force_to_disk

SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "file")
"""What the URL of a lake may begin with."""


@dataclass(frozen=True)
class Place:
    """A folder or a prefix of an object store.

    Attributes:
        uri: Its path or URL.
        folder: The folder, None in an object store.
    """

    uri: str
    folder: Path | None

    @classmethod
    def of(cls, root: Path | str) -> Place:
        """The place that a path or URL names.

        Raises:
            SettingsError: The URL has a scheme that is not known, or the path is not a whole one.
        """
        if isinstance(root, Path) or ("://" not in root and Path(root).is_absolute()):
            return cls(str(root), Path(root))
        scheme, host, path, *_ = urlsplit(root)
        if "://" not in root or scheme not in SCHEMES:
            # A folder that is not named from the root would be another one for each process.
            raise SettingsError(
                f"lake url {root!r}: it must be the whole path of a folder or begin with {', '.join(SCHEMES)} and ://"
            )
        if scheme == "file":
            if host not in ("", "localhost"):
                raise SettingsError(f"lake url {root!r}: a folder is written file:///folder, with three /")
            folder = Path(unquote(path))
            return cls(str(folder), folder)
        return cls(root.rstrip("/"), None)

    def below(self, name: str) -> Place:
        """The place of a table."""
        folder = None if self.folder is None else self.folder / name
        return Place(f"{self.uri}/{name}" if folder is None else str(folder), folder)

    def filesystem(self) -> pa_fs.FileSystem:
        """Files below it, by their path from it; folders of a local one are made by the writer."""
        if self.folder is None:
            return pa_fs.PyFileSystem(DeltaStorageHandler(self.uri))
        return pa_fs.SubTreeFileSystem(str(self.folder), pa_fs.LocalFileSystem())

    def write(self, path: str, data: pa.Buffer) -> None:
        """Write a file whose folder is there."""
        if self.folder is not None:
            (self.folder / path).write_bytes(data)
            return
        # Buffered, as the Delta library's own stream takes nothing but bytes.
        with self.filesystem().open_output_stream(path, buffer_size=65_536) as stream:
            stream.write(data)

    def make_folders(self, paths: Iterable[str]) -> None:
        """Make the folders that files with these paths lie in; an object store needs none."""
        if self.folder is not None:
            for parent in {(self.folder / path).parent for path in paths}:
                parent.mkdir(parents=True, exist_ok=True)

    def force_to_disk(self, paths: Iterable[str]) -> None:
        """Make files survive a power cut; an object store has seen to that."""
        if self.folder is None:
            return
        files = [self.folder / path for path in paths]
        for file in files:
            force_to_disk(file)
        for parent in {parent for file in files for parent in _parents(file.parent, self.folder)}:
            force_to_disk(parent)

    def force_last_commit(self) -> None:
        """Make the last commit of the table here, and the files it added, survive a power cut."""
        if self.folder is None:
            return
        log = self.folder / "_delta_log"
        last = max(log.glob("*.json"))
        actions = (json.loads(line) for line in last.read_text(encoding="utf-8").splitlines())
        added = [unquote(action["add"]["path"]) for action in actions if "add" in action]
        self.force_to_disk([*added, f"_delta_log/{last.name}"])


def told(error: Exception) -> str:
    """What an error says, in one line without colours: the Delta library draws the chain of its causes."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|\u21b3", " ", str(error)).split())


def _parents(folder: Path, top: Path) -> Iterator[Path]:
    """A folder and those above it, up to `top`."""
    while folder != top and top in folder.parents:
        yield folder
        folder = folder.parent
    yield top
