"""The frame of the command line: what it loads, how it ends, what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import typer

from twinpack import __version__
from twinpack.cli import main as cli
from twinpack.cli.commands import COMMANDS
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group
from twinpack.errors import AuditError, NotFoundError, one_line

HEAVY = ("numpy", "pyarrow", "scipy", "sqlalchemy", "alembic", "duckdb", "deltalake", "rich", "msgspec", "http.server")
# The commands of the product; a command appears in the help when it works, and never under another name.
PRODUCT = (
    "import simulate learn run serve replay fleet twins twin rollback audit alarms faults rules backtest "
    "health forecast range whatif maintenance explain models sensitivity jobs routing query export "
    "evaluate report user token certificate scale backup restore demo "
).split()


def python(*code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python program of its own, as a shell would start the command."""
    return subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_first_answers_load_nothing_heavy(option: str) -> None:
    # The help reads every command's module, so this also holds commands to importing inside their functions.
    done = python(
        "import json, sys",
        "from twinpack.cli.main import main",
        f"code = main(['{option}'])",
        f"print(json.dumps([code, [name for name in {HEAVY} if name in sys.modules]]))",
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_one_command_loads_only_its_own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "broken", "twinpack.cli.not_there")
    app = cli.build_app(["serve", "--help"])
    assert [command.name for command in app.registered_commands] == ["serve"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"twinpack {__version__}\n"


def test_help_lists_the_commands_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    listed = re.findall(r"^  ([a-z]+) ", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert listed == list(COMMANDS) == [name for name in PRODUCT if name in COMMANDS]


def test_no_arguments_is_a_question_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "Usage: twinpack" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert f"Usage: twinpack {name}" in help_text
    assert max(len(line) for line in help_text.splitlines()) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    command: Any = typer.main.get_command(cli.build_app([name]))
    command = command.commands[name]
    for each in [command, *getattr(command, "commands", {}).values()]:
        assert each.help, f"{each.name} has no docstring"
        undescribed = [parameter.name for parameter in each.params if not parameter.help]
        assert undescribed == [], f"{each.name}: {undescribed}"


def test_every_command_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`twinpack {name}" not in documented] == []


# --- endings --------------------------------------------------------------------------------------------------------


def audit(home: Home = DEFAULT_HOME, as_json: AsJson = False, error: str = "") -> None:
    """Stands in for a real command."""
    errors: dict[str, BaseException] = {
        "input": NotFoundError("no vehicle 'v9' in this workspace;\nsee `twinpack twins`"),
        "check": AuditError("v1: version 3 was altered"),
        "disk": OSError(28, "No space left on device", "lake/trips"),
        "bug": ZeroDivisionError("division by zero"),
        "interrupt": KeyboardInterrupt(),
        "exit": typer.Exit(1),
    }
    if error:
        raise errors[error]
    typer.echo(f"{home} {as_json}")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    real = import_module

    def load(name: str) -> Any:
        return SimpleNamespace(command=audit) if name == "stand-in" else real(name)

    monkeypatch.setitem(COMMANDS, "audit", "stand-in")
    monkeypatch.setattr(cli, "import_module", load)
    monkeypatch.delenv("TWINPACK_DEBUG", raising=False)
    monkeypatch.delenv("TWINPACK_HOME", raising=False)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--error", "input"], 2, "twinpack: no vehicle 'v9' in this workspace; see `twinpack twins`\n"),
        (["--error", "check"], 1, "twinpack: v1: version 3 was altered\n"),
        (["--error", "disk"], 2, "twinpack: lake/trips: No space left on device\n"),
        (["--error", "interrupt"], 130, ""),
        (["--error", "exit"], 1, ""),
        (["--nonsense"], 2, "twinpack: No such option: --nonsense. See `twinpack audit --help`.\n"),
    ],
)
def test_endings(args: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", *args]) == code
    spoken = capsys.readouterr()
    assert spoken.err == said
    assert spoken.out == ""


@pytest.mark.usefixtures("stand_in")
def test_an_unexpected_error_is_one_line_and_tells_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "--error", "bug"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in said
    assert "TWINPACK_DEBUG=1" in said


def test_what_an_error_quotes_becomes_one_plain_line() -> None:
    assert one_line("disk\n  \x1b[31m↳\x1b[0m full\n") == "disk ↳ full"


@pytest.mark.usefixtures("stand_in")
def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINPACK_DEBUG", "1")
    assert cli.main(["audit", "--error", "bug"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_unknown_command_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serv"]) == 2
    assert "Did you mean 'serve'" in capsys.readouterr().err


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("args", "environment", "home"),
    [
        (["audit"], "", "twinpack-data"),
        (["audit", "--home", "a"], "", "a"),
        (["--home", "a", "audit"], "", "a"),
        (["--home", "a", "audit", "--home", "b"], "", "b"),
        (["audit"], "e", "e"),
        (["--home", "a", "audit"], "e", "a"),
        (["--home", "a", "audit", "--home", "twinpack-data"], "e", "twinpack-data"),
    ],
)
def test_home_may_stand_on_either_side(
    args: list[str],
    environment: str,
    home: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if environment:
        monkeypatch.setenv("TWINPACK_HOME", environment)
    assert cli.main(args) == 0
    assert capsys.readouterr().out == f"{home} False\n"


def test_a_group_takes_sub_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    group = command_group("Check the history.")

    @group.command("verify")
    def verify(count: Annotated[int, typer.Argument(help="How many.")]) -> None:
        """Verify it."""
        typer.echo(f"verified {count}")

    real = import_module
    monkeypatch.setitem(COMMANDS, "audit", "group")
    monkeypatch.setattr(
        cli, "import_module", lambda name: SimpleNamespace(command=group) if name == "group" else real(name)
    )
    assert cli.main(["audit", "verify", "3"]) == 0
    assert cli.main(["audit", "--help"]) == 0
    spoken = capsys.readouterr().out
    assert spoken.startswith("verified 3\n")
    assert "Check the history." in spoken
    assert cli.main(["audit"]) == 2


def test_a_closed_pipe_is_no_noise() -> None:
    done = subprocess.run(
        f"{sys.executable} -u -m twinpack --help | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")


def test_a_log_in_ascii_gets_plain_signs() -> None:
    done = python(
        "from twinpack.cli import output",
        "output.make_streams_tolerant()",
        "output.line(output.number(-1234.5, 1) + ' ± 2 \u2603')",
        PYTHONIOENCODING="ascii",
        PYTHONUTF8="0",
    )
    assert done.stdout == "-1 234.5 +/- 2 ?\n"
