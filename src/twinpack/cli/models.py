"""`twinpack models`: what was learned from what, which model is in use, and putting another in its place."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

if TYPE_CHECKING:
    from twinpack.runtime.comparison import Comparison
    from twinpack.runtime.promotion import ModelStatus, Promoted
    from twinpack.store.workspace import Workspace

command = command_group("Models of the packs: lineage, comparison, promotion, roll-back.")

Hash = Annotated[str, typer.Argument(metavar="HASH", help="The model, by the first digits of its hash.")]
Pack = Annotated[str | None, typer.Option(help="The pack.", show_default=False)]
Vehicles = Annotated[int, typer.Option(min=0, help="Most vehicles to compare on; 0 for all.")]
Carry = Annotated[
    bool,
    typer.Option(
        "--carry/--re-estimate",
        help="Keep parameters that both models name, or begin again from the new model's priors.",
    ),
]


@command.command("list")
def list_models(pack: Pack = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the models that twins can start from, and which is the champion of its pack."""
    from twinpack.ingest.log import open_log
    from twinpack.runtime.promotion import statuses
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        listed = statuses(registry, open_log(workspace), pack)
    if as_json:
        output.json_result([_told(one) for one in listed])
        return
    if not listed:
        output.line("no models; `twinpack learn model` makes one")
        return
    columns = ("pack", "model", "kind", "status", "parent", "error V", "data", "vehicles")
    output.table(columns, [_row(one) for one in listed])


@command.command("show")
def show_model(digits: Hash, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a model: its card, what it was made of, what was made of it, and what was done about it."""
    from dataclasses import asdict

    from twinpack.cli import card
    from twinpack.cli.times import shown
    from twinpack.ingest.log import open_log
    from twinpack.runtime.promotion import lineage, load_prototype, model_by, statuses
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        listed = statuses(registry, open_log(workspace))
        model = model_by(listed, digits)
        load_prototype(workspace, registry, model.hash)
        parents, children = lineage(listed, model)
        history = [one for one in registry.model_actions.all(model.pack) if one.model_hash == model.hash]
    if as_json:
        told = {"lineage": parents, "children": [one.hash for one in children]}
        output.json_result({**_told(model), **told, "history": [asdict(one) for one in history]})
        return
    output.line(f"{model.hash}\n{model.kind} for {model.pack}, {model.status}, {_vehicles(model.vehicles)} on it")
    if model.card.get("metrics"):
        card.show(model.card)
    output.line(f"code {model.card.get('code_version') or 'not told'}")
    output.line("made of " + (" ← ".join(digest[:12] for digest in parents) or "the fleet's data alone"))
    if children:
        output.line("refined by " + ", ".join(f"{one.hash[:12]} ({one.status})" for one in children))
    for action in history:
        why = f": {action.reason}" if action.reason else ""
        verdict = f": {action.evidence['verdict']}" if "verdict" in action.evidence else ""
        by = f" by {action.who}" if action.who else ""
        output.line(f"{shown(action.at_us)}  {action.action}{by}, champion {action.former_hash[:12]}{verdict}{why}")


@command.command("compare")
def compare_model(digits: Hash, vehicles: Vehicles = 0, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Fold the log with the champion and with another model, and say which predicts better; 1 when the other is worse.

    Both begin at the first row. Nothing changes but the record of what was compared.
    """
    from twinpack.runtime.comparison import WORSE
    from twinpack.store.workspace import Workspace

    found = _compared(Workspace.open(home, create=False), digits, vehicles)
    if as_json:
        output.json_result(found.evidence())
    else:
        _show(found)
    if found.verdict == WORSE:
        raise typer.Exit(1)


@command.command("promote")
def promote_model(
    digits: Hash,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    carry: Carry = True,
    vehicles: Vehicles = 0,
    without_backtest: Annotated[bool, typer.Option(help="Promote without a passed comparison.")] = False,
    pack: Pack = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put a model in the place of its pack's champion; every twin goes on under it, as a new version.

    It must not be worse in a comparison with the champion: one that is in the record counts, else one is made. The
    promotion is a row of the log and takes effect when that row is folded.
    """
    from twinpack.ingest.log import open_log
    from twinpack.runtime.comparison import stored_comparison
    from twinpack.runtime.promotion import challenger, promote
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        champion, given = challenger(workspace, registry, open_log(workspace), digits, pack)
        evidence = stored_comparison(registry, champion.model_hash, given.model_hash)
    if without_backtest:
        evidence = {"without_backtest": True}
    elif evidence is None:
        found = _compared(workspace, digits, vehicles)
        if not as_json:
            _show(found)
        evidence = found.evidence()
    done = promote(workspace, given.model_hash, reason, carry=carry, who=_who(), evidence=evidence)
    _ordered(done, as_json)


@command.command("rollback")
def roll_back_model(
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
    carry: Carry = True,
    pack: Pack = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put the champion before the present one in its place again; every twin goes on under it, as a new version."""
    from twinpack.runtime.promotion import roll_back
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    _ordered(roll_back(workspace, reason, pack=pack, carry=carry, who=_who()), as_json)


def _compared(workspace: Workspace, digits: str, vehicles: int) -> Comparison:
    from twinpack.runtime.comparison import compare

    with output.progress("comparison", 100.0, "%") as bar:
        return compare(
            workspace,
            digits,
            vehicles,
            who=_who(),
            tell=lambda done, total: bar.set(100.0 * done / max(total, 1), f"{output.number(done)} rows"),
        )


def _show(found: Comparison) -> None:
    for note in found.notes:
        output.note(f"twinpack: {note}")
    trips = output.counted(found.trips, "trip")
    left = f"; {output.counted(found.unmatched, 'trip')} not predicted by both" if found.unmatched else ""
    output.line(f"{found.pack}: {trips} of {_vehicles(found.vehicles)}{left}")
    rows = [
        (name, digest[:12], f"{one.rmse_v:.3f}", f"{100.0 * one.coverage:.1f}", f"{one.interval_score_v:.3f}")
        for name, digest, one in (
            ("champion", found.champion, found.champion_figures),
            ("challenger", found.challenger, found.challenger_figures),
        )
    ]
    output.table(("", "model", "RMSE V", "coverage %", "interval score V"), rows)
    low, high = found.rmse_change_v
    output.line(f"RMSE {low:+.3f} to {high:+.3f} V against the champion's (95 %, by vehicles)")
    low, high = found.interval_score_change_v
    output.line(f"interval score {low:+.3f} to {high:+.3f} V")
    output.line(f"the challenger is {found.verdict}" + ("" if found.passed else "; it is not to be promoted"))


def _ordered(done: Promoted, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        output.json_result(asdict(done))
        return
    output.line(
        f"{done.model_hash[:12]} takes the place of {done.former_hash[:12]} for {done.pack} with the next "
        f"`twinpack run` (row {done.offset} of the log); {_vehicles(done.vehicles)} go on under it"
    )


def _vehicles(count: int) -> str:
    return output.counted(count, "vehicle")


def _told(model: ModelStatus) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(model)


def _row(model: ModelStatus) -> tuple[str, ...]:
    data, error = _part(model.card, "data"), _part(model.card, "metrics").get("rmse_v", model.card.get("rmse_v"))
    first, last = data.get("first"), data.get("last")
    window = f"{str(first)[:10]} to {str(last)[:10]}" if first and last else output.MISSING
    return (
        model.pack,
        model.hash[:12],
        model.kind or output.MISSING,
        model.status,
        model.parent[:12] or output.MISSING,
        output.significant(error) if isinstance(error, (int, float)) else output.MISSING,
        window,
        output.number(model.vehicles),
    )


def _part(card: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a card; those of earlier releases have other ones."""
    part = card.get(name)
    return part if isinstance(part, dict) else {}


def _who() -> str:
    """The account that runs the command, "" where the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
