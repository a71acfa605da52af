"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_HOME = Path("twinpack-data")
HOME_HELP = "The workspace folder. Default: ./twinpack-data, or TWINPACK_HOME."


def effective_home(context: typer.Context, home: Path) -> Path:
    """`--home` may stand before the command or after it; the one nearer to the command wins."""
    at: Any = context
    while at is not None:
        source = at.get_parameter_source("home")
        if source is not None and source.name == "COMMANDLINE":
            return home if at is context else Path(at.params["home"])
        at = at.parent
    return home


def is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, before the command or after it."""
    at: Any = context
    while at is not None:
        source = at.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            return True
        at = at.parent
    return False


Home = Annotated[
    Path,
    typer.Option("--home", help=HOME_HELP, callback=effective_home, envvar="TWINPACK_HOME", show_default=False),
]
"""Use as `home: Home = DEFAULT_HOME`."""

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
"""Use as `as_json: AsJson = False`."""


def first_of(trips: str) -> int:
    """N of an option `first:N`."""
    found = re.fullmatch(r"first:([1-9][0-9]{0,4})", trips)
    if found is None:
        raise typer.BadParameter(f"{trips!r} is not of the form first:N, such as first:3", param_hint="--trips")
    return int(found.group(1))


def command_group(help_text: str) -> typer.Typer:
    """A command with sub-commands.

    Use as `command = command_group("...")`, then `@command.command("verify")` on each function.
    """
    group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, help=help_text)
    group.callback()(lambda: None)  # stays a group with a single sub-command
    return group
