"""The commands there are: name -> module, in the order `--help` shows them.

A module holds `command`, a function with typer annotations (its docstring is the help) or a `typer.Typer` with
sub-commands. It imports what is heavy inside the function: `--help` loads every command module.
"""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "import": "twinpack.cli.import_",
    "simulate": "twinpack.cli.simulate",
    "learn": "twinpack.cli.learn",
    "run": "twinpack.cli.run",
    "serve": "twinpack.cli.serve",
    "replay": "twinpack.cli.replay",
    "fleet": "twinpack.cli.fleet",
    "twins": "twinpack.cli.twins",
    "twin": "twinpack.cli.twin",
    "rollback": "twinpack.cli.rollback",
    "audit": "twinpack.cli.audit",
    "alarms": "twinpack.cli.alarms",
    "faults": "twinpack.cli.faults",
    "rules": "twinpack.cli.rules",
    "backtest": "twinpack.cli.backtest",
    "health": "twinpack.cli.health",
    "forecast": "twinpack.cli.forecast",
    "range": "twinpack.cli.range",
    "whatif": "twinpack.cli.whatif",
    "maintenance": "twinpack.cli.maintenance",
    "explain": "twinpack.cli.explain",
    "models": "twinpack.cli.models",
    "sensitivity": "twinpack.cli.sensitivity",
    "jobs": "twinpack.cli.jobs",
    "routing": "twinpack.cli.routing",
    "query": "twinpack.cli.query",
    "export": "twinpack.cli.export",
    "evaluate": "twinpack.cli.evaluate",
    "report": "twinpack.cli.report",
    "user": "twinpack.cli.user",
    "token": "twinpack.cli.token",
    "backup": "twinpack.cli.backup",
    "restore": "twinpack.cli.restore",
    "demo": "twinpack.cli.demo",
}
