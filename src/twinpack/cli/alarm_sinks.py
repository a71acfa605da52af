"""`twinpack alarms test-sink`: whether a message reaches where a sink leads."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home


def test_sink(
    name: Annotated[str, typer.Argument(help="The sink, as settings.toml names it.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Send a test message to a sink, once; exit 1 and the reason when it is not taken."""
    from twinpack.errors import CheckError
    from twinpack.ingest.logs import log_to_stderr
    from twinpack.runtime.sinks.notice import trial_notice
    from twinpack.runtime.sinks.outcome import NotSentError
    from twinpack.runtime.sinks.senders import sender_of
    from twinpack.store.records import now_us
    from twinpack.store.sinks import LOG, sink_named
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    sink = sink_named(workspace.settings.sink, name)
    notice = trial_notice(sink.name, now_us())
    if sink.type == LOG and not as_json:
        log_to_stderr()
    try:
        sender_of(sink, workspace.home).send(notice)
    except NotSentError as error:
        raise CheckError(f"sink {name}: {sink.target}: {error}") from None
    if as_json:
        output.json_result({"sink": sink.name, "type": sink.type, "target": sink.target, "id": notice.event_id})
    else:
        sys.stdout.flush()
        output.line(f"A test message was taken: {sink.name}, {sink.target} (event {notice.event_id})")


# pytest takes what is called so in a test's module for a test.
test_sink.__test__ = False  # type: ignore[attr-defined]
