"""`twinpack rules`: the conditions that are trouble codes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group, is_typed
from twinpack.cli.times import Who, name_of

if TYPE_CHECKING:
    from twinpack.detect.rules import PackRule, PackRules, RuleSet

FILE_HELP = "The rule set, a TOML file."
RULES_HELP = "A rule set of your own, a TOML file; without it the shipped rules."
PACK_HELP = "Pack whose limits are shown: a shipped name or a TOML file."
CODE_HELP = "Show this rule in full; without it a line for each."

_WIDTH = 100
SHIPPED_WORD = "shipped"

command = command_group("Check, show and use the rules that say what a trouble code is.")


@command.command("check")
def check(file: Annotated[Path, typer.Argument(help=FILE_HELP)], as_json: AsJson = False) -> None:
    """Check a rule set.

    Every mistake is told on a line of its own, with the rule and the field. Ends with exit code 2 when there is one.
    """
    with mistakes_told():
        rules = _read(file)
    if as_json:
        output.json_result({"source": str(file), "rules": [one.code for one in rules.rules], "packs": _places(rules)})
        return
    output.line(f"{output.counted(len(rules.rules), 'rule')}, no mistake, in {file}")
    for pack, count in _places(rules).items():
        if count < len(rules.rules):
            output.line(f"  {count} of them apply to the pack {pack}")


@command.command("show")
def show(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help=CODE_HELP, show_default=False)] = None,
    file: Annotated[Path | None, typer.Option("--file", help=RULES_HELP, show_default=False)] = None,
    pack: Annotated[str, typer.Option(help=PACK_HELP)] = "sim_nmc_96s",
    home: Home = DEFAULT_HOME,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Print the shipped rules as TOML, to begin your own with.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the rules that the workspace uses, with the limits that hold for a pack; without one, the shipped rules."""
    from twinpack.battery.pack import load_pack
    from twinpack.detect.rules import parse_rules, shipped_rules
    from twinpack.errors import NotFoundError
    from twinpack.ingest.files import find_pack

    if shipped:
        output.line(shipped_rules().rstrip())
        return
    spec = load_pack(find_pack(pack))
    if file is not None:
        source, read = str(file), _read(file)
    else:
        source, text = _of_workspace(context, home)
        read = parse_rules(text, source)
    rules = read.for_pack(spec)
    if code is None:
        _show_all(rules, source, spec.name, as_json)
    elif code.upper() in rules.index:
        _show_one(rules.rules[rules.index[code.upper()]], as_json)
    else:
        raise NotFoundError(f"no rule {code!r} for the pack {spec.name}; there are {', '.join(rules.index)}")


@command.command("use")
def use(
    file: Annotated[str, typer.Argument(help="The rule set, a TOML file, or `shipped` for that of this release.")],
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "asked for on the command line",
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Find faults by another rule set from now on.

    It is a row of the log and takes effect when that row is folded, at once while `twinpack serve` runs, else with the
    next `twinpack run`. Codes whose rule stays as it is keep their counters; those of rules that are gone are over.
    """
    from twinpack.detect.rules import parse_rules, shipped_rules
    from twinpack.fleet.commands import rules_command
    from twinpack.ingest.log import open_log
    from twinpack.runtime.orders import append_command
    from twinpack.store.workspace import Workspace

    workspace, name = Workspace.open(home, create=False), name_of(who)
    if file == SHIPPED_WORD:
        text = shipped_rules()
    else:
        text = read_rules_file(Path(file))
        with mistakes_told():
            parse_rules(text, file)
    before = _in_use(home)
    same = text == before
    command_body = rules_command(text, name, reason)
    offset = None if same else append_command(open_log(workspace), "", command_body, "rules")
    if as_json:
        output.json_result({"file": file, "offset": offset, "reason": reason})
    elif same:
        output.line("the workspace uses these rules already")
    else:
        output.line(f"{file} holds from row {offset} of the log on; `twinpack run` folds it, unless `serve` does")


def _of_workspace(context: typer.Context, home: Path) -> tuple[str, str]:
    """Where the rules to show come from, and their text; a workspace that was asked for by name has to be there."""
    from twinpack.detect.rules import SHIPPED, shipped_rules
    from twinpack.errors import NotFoundError

    try:
        return f"the workspace {home}", _in_use(home)
    except NotFoundError:
        if is_typed(context, "home"):
            raise
        return SHIPPED, shipped_rules()


def _in_use(home: Path) -> str:
    """The rules of a workspace."""
    from twinpack.ingest.log import open_log
    from twinpack.runtime.rules import rules_in_use
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        return rules_in_use(registry, open_log(workspace))


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Writes each mistake of a rule set on a line of its own, the last as the command's error."""
    from twinpack.errors import RulesError

    try:
        yield
    except RulesError as error:
        *mistakes, last = str(error).split("\n")
        for mistake in mistakes:
            output.note(f"twinpack: {mistake}")
        raise RulesError(last) from error


def read_rules_file(file: Path) -> str:
    """The text of a file of rules.

    Raises:
        RulesError: It cannot be read.
    """
    from twinpack.errors import RulesError

    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise RulesError(f"{file}: cannot be read: {error}") from error


def _read(file: Path) -> RuleSet:
    from twinpack.detect.rules import parse_rules

    return parse_rules(read_rules_file(file), str(file))


def _places(rules: RuleSet) -> dict[str, int]:
    """How many of the rules apply to each shipped pack."""
    from twinpack.battery.pack import load_pack, shipped_packs

    return {name: len(rules.for_pack(load_pack(name))) for name in shipped_packs()}


def _show_all(rules: PackRules, source: str, pack: str, as_json: bool) -> None:
    if as_json:
        output.json_result({"source": source, "pack": pack, "rules": [_figures(one) for one in rules.rules]})
        return
    rows = [
        [one.rule.code, one.rule.name, one.rule.category, str(one.rule.severity), _seconds(one.rule.debounce_us)]
        for one in rules.rules
    ]
    output.table(["code", "name", "at fault", "severity", "for"], rows)
    output.line(f"{output.counted(len(rules), 'rule')} for the pack {pack}, from {source}")


def _show_one(one: PackRule, as_json: bool) -> None:
    if as_json:
        output.json_result(_figures(one))
        return
    rule = one.rule
    output.line(f"{rule.code}  {rule.name}")
    for text in textwrap.wrap(rule.description, _WIDTH):
        output.line(f"  {text}")
    output.line()
    _line("fails where", rule.condition.text)
    if rule.when is not None:
        _line("runs while", rule.when.text)
    for name, value in one.limits.items():
        _line(f"limit.{name}", _limit(value))
    _line("fails after", _seconds(rule.debounce_us))
    _line("passes after", _seconds(rule.pass_us))
    _line("a value stands", f"{_seconds(rule.hold_us)} at most")
    _line("at fault", rule.category)
    _line("severity", f"{rule.severity} ({rule.level}{', lamp' if rule.lamp else ''})")
    _line("confirmed", "at once" if one.confirm_after == 1 else f"after failures in {rule.n_confirm} cycles")
    _line("healed", f"after {output.counted(rule.n_heal, 'good cycle')}, forgotten after {rule.n_age} more")
    if rule.freeze:
        _line("also kept", ", ".join(rule.freeze))
    if rule.gbt is not None:
        _line("GB/T 32960", f"bit {rule.gbt}")


def _line(name: str, text: str) -> None:
    first, *others = textwrap.wrap(text, _WIDTH - 18, break_long_words=False) or [""]
    output.line(f"  {name:<16}{first}")
    for more in others:
        output.line(f"  {'':<16}{more}")


def _limit(value: Any) -> str:
    return ", ".join(f"{x:g}: {y:g}" for x, y in value) if isinstance(value, tuple) else f"{value:g}"


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1e6:g} s"


def _figures(one: PackRule) -> dict[str, Any]:
    rule = one.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "description": rule.description,
        "category": rule.category,
        "condition": rule.condition.text,
        "when": rule.when.text if rule.when else None,
        "limits": dict(one.limits),
        "debounce_s": rule.debounce_us / 1e6,
        "pass_s": rule.pass_us / 1e6,
        "hold_s": rule.hold_us / 1e6,
        "severity": rule.severity,
        "lamp": rule.lamp,
        "n_confirm": one.confirm_after,
        "n_heal": rule.n_heal,
        "n_age": rule.n_age,
        "freeze": rule.freeze,
        "gbt": rule.gbt,
        "level": rule.level,
    }
