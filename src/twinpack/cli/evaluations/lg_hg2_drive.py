"""The evaluation on one cell in a climate chamber: the model alone, and the state of charge that a filter finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.cli.evaluations.hybrids import cycles_left_out
from twinpack.cli.evaluations.lg_charge import charge
from twinpack.cli.evaluations.lg_files import LgTest, lg_tests
from twinpack.cli.evaluations.lg_open_loop import open_loop

if TYPE_CHECKING:
    from twinpack.battery.pack_model import PackModel

Metrics = dict[str, Any]

CYCLES = ("UDDS", "LA92", "Mixed1", "Mixed2", "Mixed4", "Mixed5", "Mixed6", "Mixed7")
QUICK_CYCLES = ("Mixed6",)
KIND = "thevenin-3rc"


def evaluate(data: Path, quick: bool) -> Metrics:
    """Each drive cycle is left out in turn, at every temperature, and judges the model fitted to the others."""
    tests = lg_tests(data)
    cycles = [name for name in (QUICK_CYCLES if quick else CYCLES) if any(one.test == name for one in tests)]
    models = list(_models(tests, cycles))
    split = f"one cycle left out at every temperature, in turn: {', '.join(cycles)}"
    networks = {} if quick else cycles_left_out(tests, cycles, KIND)
    return open_loop(models) | charge(models) | networks | {"split": split}


def _models(tests: list[LgTest], cycles: list[str]) -> Iterator[tuple[PackModel, list[LgTest]]]:
    """For each cycle the model that was fitted without it, and the tests it is judged by."""
    from twinpack.battery.families import pack_model
    from twinpack.battery.pack import load_pack
    from twinpack.learn.model import learn_model

    for cycle in cycles:
        train = [one.trip for one in tests if one.test != cycle and not one.test.startswith("Cap")]
        artifact = learn_model(train, load_pack("lg_hg2_3ah"), KIND).artifact
        yield pack_model(artifact["kind"], artifact["model"]), [one for one in tests if one.test == cycle]
