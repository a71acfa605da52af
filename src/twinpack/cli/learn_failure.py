"""`twinpack learn failure`: how likely batteries fail after which signs."""

from __future__ import annotations

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages


def learn_failure(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Learn from the fleet's past how likely batteries fail after which signs, which `twinpack maintenance plan` uses.

    A failure is a confirmed trouble code of the battery of severity 3, or a repair or replacement that nobody had
    planned. Where there were few, what is known of other fleets counts for more.
    """
    from twinpack.learn.failure import SIGNS
    from twinpack.runtime.risks import learn_failures
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        learned = learn_failures(workspace, tell)
    if as_json:
        output.json_result({"model_hash": learned.model_hash, **learned.card})
        return
    data, figures = learned.card["data"], learned.card["figures"]
    failures = output.counted(figures["failures"], "failure")
    output.line(
        f"{failures} in {output.number(data['samples'])} weeks of {output.counted(data['vehicles'], 'vehicle')}"
    )
    output.line(f"{100 * figures['base_a_year']:.2g} % of vehicles fail a year without any sign")
    rows = [[sign.told, f"{figures[sign.name]:.3g}", f"{sign.times:.3g}"] for sign in SIGNS]
    output.table(["sign", "times as likely", "before"], rows)
    for warning in learned.card["warnings"]:
        output.line(f"thin: {warning}")
    output.line(f"model {learned.model_hash[:12]}; next: twinpack maintenance plan")
