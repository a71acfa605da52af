"""The command `twinpack`: finds the command asked for, runs it, and turns every ending into an exit code.

Exit codes: 0 done, 1 a check failed, 2 it could not be done (bad use, bad input, no such thing, an error in twinpack).
`TWINPACK_DEBUG=1` shows the traceback of any error.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from twinpack import __version__
from twinpack.cli import output
from twinpack.cli.commands import COMMANDS
from twinpack.cli.options import HOME_HELP
from twinpack.errors import TwinpackError, one_line

INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE
VERSION_HELP = "Show the version and end."


class InOrder(TyperGroup):
    """Lists commands as `COMMANDS` does; typer puts those with sub-commands last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands, in the order of the help."""
        return [name for name in COMMANDS if name in self.commands]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: the process's) and returns its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    # Matrices here are small: threads of the linear algebra library only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    output.make_streams_tolerant()
    try:
        code = run(args or ["--help"])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`twinpack twins | head`): end without a word, also when the interpreter flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the process boundary; the reason is told
        return report_error(error)
    return code


def run(args: list[str]) -> int:
    """Parses and runs `args`; errors and interruptions pass through."""
    command = typer.main.get_command(build_app(args))
    try:
        with command.make_context("twinpack", args) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


def build_app(args: Sequence[str]) -> typer.Typer:
    """The app with the commands that `args` can mean; with none named, all of them (for help and spelling hints)."""
    app = typer.Typer(cls=InOrder, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=False)(global_options)
    named = [name for name in COMMANDS if name in args]
    for name in named or ([] if "--version" in args else COMMANDS):
        command = import_module(COMMANDS[name]).command
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def show_version(asked: bool) -> None:
    """Prints the version and ends."""
    if asked:
        typer.echo(f"twinpack {__version__}")
        raise typer.Exit


def global_options(
    home: Annotated[Path | None, typer.Option(help=HOME_HELP, show_default=False)] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help=VERSION_HELP)
    ] = False,
) -> None:
    """A living digital twin for every battery in a fleet: predicted, measured, recalibrated and versioned.

    Exit codes: 0 done, 1 a check failed, 2 it could not be done. TWINPACK_DEBUG=1 shows the traceback of an error.
    """


def report_error(error: Exception) -> int:
    """Says in one line on stderr what went wrong; returns the exit code."""
    debug = os.environ.get("TWINPACK_DEBUG", "") not in ("", "0")
    if debug:
        traceback.print_exception(error)
    typer.echo(f"twinpack: {one_line(describe(error, debug))}", err=True)
    return error.exit_code if isinstance(error, TwinpackError) else 2


def describe(error: Exception, debug: bool) -> str:
    """What is wrong, where, and what to do."""
    if isinstance(error, TwinpackError):
        return str(error)
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        return f"{sentence(error.format_message())} See `{context.command_path if context else 'twinpack'} --help`."
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    hint = "" if debug else " (TWINPACK_DEBUG=1 shows the traceback)"
    return f"unexpected error, {type(error).__name__}: {error}{hint}"


def sentence(text: str) -> str:
    """`text` with a full stop."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
