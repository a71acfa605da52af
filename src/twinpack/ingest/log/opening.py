"""A workspace's log, with all in it sealed that a dead gateway left."""

from __future__ import annotations

from twinpack.ingest.log.log import SegmentLog
from twinpack.ingest.log.sealing import recover
from twinpack.store.workspace import Workspace


def open_log(workspace: Workspace) -> SegmentLog:
    """The log of a workspace, for whoever reads it to its end or adds to it.

    What a gateway that died had acknowledged is sealed first. Where a gateway lives, the last moments of the log are
    its alone until it seals them, at most `segment_age_s` later.

    Raises:
        WorkspaceError: What the gateway left is damaged or cannot be sealed; says what to do.
    """
    log = SegmentLog(workspace.log_dir)
    if log.has_unsealed():
        from twinpack.store.deadletters import LakeDeadLetters

        recover(log, LakeDeadLetters(workspace.lake()))
    return log
