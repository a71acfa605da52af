"""`twinpack routing`: the rules that say where samples go."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

if TYPE_CHECKING:
    from twinpack.ingest.log import SegmentLog
    from twinpack.ingest.routing import Router, Rule

AGAINST_HELP = "Samples to try them on: a file, a folder of files, or a workspace."
PROFILE_HELP = "How to read the files: a shipped profile, such as twinpack, bdf or gbt32960, or a TOML file."
PACK_HELP = "Pack of the vehicles in the files, a shipped name or a TOML file; overrules the profile."

_WIDTH = 100

command = command_group("Check the rules that say which samples go to the real-time path, the lake or a webhook.")


@command.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The rules, a TOML file.")],
    against: Annotated[Path | None, typer.Option(help=AGAINST_HELP, show_default=False)] = None,
    profile: Annotated[str, typer.Option(help=PROFILE_HELP)] = "twinpack",
    pack: Annotated[str | None, typer.Option(help=PACK_HELP, show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Check rules, and count how many samples of some data each of them takes.

    Nothing is imported or changed. Ends with exit code 2 when a rule is wrong, and 1 when one fails on a sample.
    """
    from twinpack.ingest.routing import Router

    with Router.load(file) as router:
        if against is None:
            _show_rules(router.rules, str(file), as_json)
            return
        with _opened(against, profile, pack) as log:
            kinds = _route(router, log)
        _show_counts(router, kinds, as_json)
        failed = [name for name, counts in router.counts.rules.items() if counts.failed]
    if failed:
        output.note(f"twinpack: fails on some samples, which it then takes: {', '.join(failed)}")
        raise typer.Exit(1)


@command.command("show")
def show(
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Print the shipped rules as TOML, to begin your own with.")
    ] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show the rules of a workspace: its own, or the shipped ones where it has none."""
    from twinpack.ingest.routing import SHIPPED, load_rules, rules_path, shipped_text
    from twinpack.store.workspace import Workspace

    if shipped:
        output.line(shipped_text().rstrip())
        return
    workspace = Workspace.open(home, create=False)
    path = rules_path(workspace.home, workspace.settings.gateway.rules)
    _show_rules(load_rules(path), str(path or SHIPPED), as_json)


@contextmanager
def _opened(data: Path, profile: str, pack: str | None) -> Iterator[SegmentLog]:
    """A log with the samples: the workspace's own, or one of the files, which lives as long as it is looked at."""
    from tempfile import TemporaryDirectory

    from twinpack.errors import ImportFileError
    from twinpack.ingest.files import find_pack, find_profile, import_path
    from twinpack.ingest.log import SegmentLog, open_log
    from twinpack.ingest.records import MemoryDeadLetters
    from twinpack.store.workspace import Workspace

    if (data / "workspace.json").is_file():
        yield open_log(Workspace.open(data, create=False))
        return
    if not data.exists():
        raise ImportFileError(f"{data}: there is no such file, folder or workspace")
    with TemporaryDirectory(prefix="twinpack-routing-") as folder:
        log = SegmentLog(Path(folder) / "log")
        pack_text = find_pack(pack) if pack is not None else None
        summary = import_path(data, find_profile(profile), log, MemoryDeadLetters(), pack=pack_text)
        for failed in summary.failed:
            output.note(f"twinpack: left out: {' '.join(failed.error.split())}")
        if not summary.count("imported"):
            raise ImportFileError(
                f"{data}: no file of it could be read; --profile says how, see `twinpack import --help`"
            )
        yield log


def _route(router: Router, log: SegmentLog) -> dict[str, int]:
    """Route every sample of a log; how many go where."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from twinpack.ingest.routing import DROPPED
    from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE, KIND_SAMPLE, SAMPLE_KINDS, SIGNALS

    found = {KIND_SAMPLE: 0, KIND_REALTIME_SAMPLE: 0, KIND_LAKE_SAMPLE: 0, DROPPED: 0}
    wanted = {name for rule in router.rules for name in rule.condition.columns}
    for _, table in log.read(log.start_offset, signals=[name for name in SIGNALS if name in wanted]):
        kinds = pa.array(SAMPLE_KINDS, pa.int8())
        taken = router.kinds(table.filter(pc.is_in(table.column("kind"), value_set=kinds)))
        for kind in found:
            found[kind] += int(np.count_nonzero(taken == kind))
    return {
        "realtime": found[KIND_SAMPLE] + found[KIND_REALTIME_SAMPLE],
        "lake": found[KIND_SAMPLE] + found[KIND_LAKE_SAMPLE],
        "none": found[DROPPED],
    }


def _show_counts(router: Router, kinds: dict[str, int], as_json: bool) -> None:
    samples = router.counts.samples
    if as_json:
        rules = [
            {**_figures(rule), "taken": counts.taken, "failed": counts.failed}
            for rule, counts in zip(router.rules, router.counts.rules.values(), strict=True)
        ]
        output.json_result({"samples": samples, **kinds, "rules": rules})
        return
    rows = [
        [rule.name, ", ".join(rule.targets), _of(counts.taken, samples), output.number(counts.failed)]
        for rule, counts in zip(router.rules, router.counts.rules.values(), strict=True)
    ]
    output.table(["rule", "to", "samples taken", "failed on"], rows)
    output.line()
    output.line(f"of {output.counted(samples, 'sample')}:")
    output.line(f"  to the real-time path  {_of(kinds['realtime'], samples)}")
    output.line(f"  to the lake            {_of(kinds['lake'], samples)}")
    output.line(f"  taken by no rule       {_of(kinds['none'], samples)}")


def _of(count: int, samples: int) -> str:
    share = 100.0 * count / samples if samples else 0.0
    return f"{output.number(count)} ({share:.1f} %)"


def _show_rules(rules: tuple[Rule, ...], source: str, as_json: bool) -> None:
    if as_json:
        output.json_result({"source": source, "rules": [_figures(rule) for rule in rules]})
        return
    output.line(f"{output.counted(len(rules), 'rule')}, from {source}")
    for rule in rules:
        output.line()
        output.line(f"{rule.name} → {', '.join(rule.targets)}{_span(rule)}")
        for text in textwrap.wrap(" ".join(rule.condition.text.split()), _WIDTH, break_long_words=False):
            output.line(f"  {text}")


def _figures(rule: Rule) -> dict[str, Any]:
    every_s = rule.every_us / 1e6 if rule.every_us else None
    return {"name": rule.name, "when": rule.condition.text.strip(), "to": rule.targets, "every_s": every_s}


def _span(rule: Rule) -> str:
    return f", every {rule.every_us / 1e6:g} s" if rule.every_us else ""
