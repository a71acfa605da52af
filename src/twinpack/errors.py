"""Every error a caller can meet.

    TwinpackError                 anything twinpack refuses, with what is wrong, where, and what to do
    ├── InputError                what was handed in is wrong
    │   ├── PackSpecError         a pack specification; names the field
    │   ├── ProfileError          an import profile; names the key
    │   ├── ImportFileError       a file that cannot be read at all
    │   ├── TraceError            a filter model that cannot be compiled; names its line
    │   ├── IdentifierError       a vehicle or pack name outside the allowed characters or length
    │   ├── SettingsError         a workspace setting; names the key
    │   ├── RoutingError          a routing rule; names the rule and the place in it
    │   ├── RulesError            a trouble-code rule; names the rule and its field
    │   ├── ScenarioError         a what-if scenario; names the file, the scenario and the key
    │   ├── ChangedError          what was to be changed, another person has changed meanwhile: look again
    │   ├── QueryError            an SQL query that cannot be run, or is not allowed
    │   └── BodyError             the body of a request that cannot be expanded or split; its reason is a word
    ├── NotFoundError             a vehicle, version, model or file that does not exist
    ├── IdentityError             who asks is not known: no sign-in, or one that has ended or is not genuine
    ├── AccessError               who asks is known, and may not do this
    ├── ServiceError              a twinpack service, or one that it asks, answered with an error or not at all
    ├── WorkspaceError            the workspace cannot be used
    │   ├── WorkspaceBusyError    another process runs on it
    │   ├── RegistryBusyError     the registry is locked, full or away for now; trying again is safe
    │   └── WorkspaceVersionError it was made by another release
    ├── LearningError             a model that could not be fitted to the data given
    ├── JobError                  a job that failed, or is in no state for what is asked
    └── CheckError                a check failed (the command line exits with 1)
        └── AuditError            the version history does not verify; names the first broken link

Numerical failure of one vehicle is a status, never an exception: one diverged twin does not stop a fleet.
"""

from __future__ import annotations

import re
from typing import Literal

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class TwinpackError(Exception):
    """Anything twinpack refuses."""

    exit_code = 2


class InputError(TwinpackError):
    """What was handed in is wrong."""


class PackSpecError(InputError):
    """A pack specification is wrong; the message names the field."""


class ProfileError(InputError):
    """An import profile is wrong; the message names the key."""


class ImportFileError(InputError):
    """A file cannot be read at all."""


class TraceError(InputError):
    """A filter model cannot be compiled; the message names the line and what to write instead."""


class IdentifierError(InputError):
    """A name is outside the allowed characters or length."""


class SettingsError(InputError):
    """A workspace setting is wrong; the message names the key."""


class RoutingError(InputError):
    """A routing rule is wrong; the message names the rule and the place."""


class RulesError(InputError):
    """A trouble-code rule is wrong; the message names the rule and the field."""


class ScenarioError(InputError):
    """A what-if scenario is wrong; the message names the file, the scenario and the key."""


class ChangedError(InputError):
    """What was to be changed, another person has changed meanwhile; look again, then decide."""


class QueryError(InputError):
    """An SQL query cannot be run, or does what is not allowed."""


class BodyError(InputError):
    """The body of a request cannot be expanded or split into messages.

    Attributes:
        reason: `encoding` or `type` is not known, `size` is over a limit, or the `body` is damaged.
    """

    def __init__(self, reason: Literal["encoding", "type", "size", "body"], message: str) -> None:
        """The reason in one word, and in full."""
        super().__init__(message)
        self.reason = reason


class NotFoundError(TwinpackError):
    """A vehicle, version, model or file does not exist."""


class IdentityError(TwinpackError):
    """Who asks is not known: there is no sign-in, or one that has ended or is not genuine."""


class AccessError(TwinpackError):
    """Who asks is known, and may not do this."""


class ServiceError(TwinpackError):
    """A twinpack service, or one that it asks, answered with an error or not at all."""


class WorkspaceError(TwinpackError):
    """The workspace cannot be used."""


class WorkspaceBusyError(WorkspaceError):
    """Another process runs on the workspace."""


class RegistryBusyError(WorkspaceError):
    """The registry is locked, full or cannot be reached for now; what was tried changed nothing."""


class WorkspaceVersionError(WorkspaceError):
    """The workspace was made by another release."""


class LearningError(TwinpackError):
    """A model could not be fitted to the data given."""


class JobError(TwinpackError):
    """A job failed, or is in no state for what is asked of it."""


class CheckError(TwinpackError):
    """A check failed."""

    exit_code = 1


class AuditError(CheckError):
    """The version history does not verify."""


def one_line(text: str) -> str:
    """`text` without line breaks and colours: an error is one line of a log, whatever it quotes."""
    return " ".join(_COLOURS.sub("", text).split())
