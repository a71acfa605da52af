"""An alarm as a picture: what its rule looked at with the limit, or a cell beside the others of its pack."""

from __future__ import annotations

from pathlib import Path

from twinpack.report.fault_channel import channel_picture
from twinpack.report.fault_rule import rule_picture
from twinpack.report.plot_style import save
from twinpack.store.alarms.records import Alarm
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.views.alarms.subject import subject_of


def draw_alarm(workspace: Workspace, registry: Registry, alarm: Alarm, file: Path) -> str:
    """Draw an alarm into a PNG file.

    Args:
        workspace: Whose telemetry is read.
        registry: Its open registry.
        alarm: The alarm.
        file: The file; one that is there is replaced.

    Returns:
        What is to be seen, in a sentence.

    Raises:
        NotFoundError: Nothing of it can be drawn: the pack is not known, or there is no telemetry of the time.
        WorkspaceError: Lake, log or registry cannot be read.
        OSError: The file cannot be written.
    """
    subject = subject_of(registry, alarm)
    if subject.channel is not None:
        figure, caption = channel_picture(workspace, subject, *subject.channel)
    else:
        figure, caption = rule_picture(workspace, subject)
    save(figure, file)
    return caption
