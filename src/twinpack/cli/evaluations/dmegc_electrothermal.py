"""The evaluation on three cells whose surface temperature was measured, each predicted by what the others taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twinpack.learn.prototype import TrainingTrip

Metrics = dict[str, Any]

AMBIENT_C = 25.0
"""Of the chamber, as its operators set it."""

PACK, SLOW = "dmegc_2p6ah", "ocv_C20"
_COLUMNS = {"time_s": 1.0, "voltage_V": 1.0, "current_A": -1.0, "temp_C": 1.0}


@dataclass(frozen=True)
class CellTest:
    """One test of one cell: which cell, which kind of test, and it as a trip."""

    cell: str
    kind: str
    trip: TrainingTrip


def evaluate(data: Path, quick: bool) -> Metrics:
    """Temperature of each cell left out, open loop, and its voltage by a circuit and by a hybrid of that."""
    tests = cell_tests(data)
    cells = sorted({one.cell for one in tests})
    worst: dict[str, float] = {}
    for cell in cells[:1] if quick else cells:
        for name, error in _left_out(tests, cell).items():
            worst[name] = max(worst.get(name, 0.0), error)
    return (
        worst
        | _voltage(tests, cells[-1:] if quick else cells)
        | {"n": len(tests), "split": f"each cell predicted by what the others taught: {', '.join(cells)}"}
    )


def cell_tests(data: Path) -> list[CellTest]:
    """Every test in the files of a folder; each begins full."""
    import pyarrow.parquet as pq

    from twinpack.learn.prototype import TrainingTrip

    tests = []
    for path in sorted(data.glob("*.parquet")):
        table = pq.read_table(path)
        values = {name: sign * table.column(name).to_numpy().astype(np.float64) for name, sign in _COLUMNS.items()}
        label = [
            f"{kind} {rep}"
            for kind, rep in zip(*(table.column(one).to_pylist() for one in ("test", "rep")), strict=True)
        ]
        names, first, row = np.unique(label, return_index=True, return_inverse=True)
        for number in np.argsort(first):
            time, volts, current, temp = (one[row == number] for one in values.values())
            trip = TrainingTrip(path.stem, time - time[0], volts, current, temp, 1.0)
            tests.append(CellTest(path.stem, names[number].rsplit(" ", 1)[0], trip))
    return tests


def others(tests: list[CellTest], cell: str) -> list[CellTest]:
    """Tests of other cells; one that is the same recording as one of the cell (the pulse test of R1 and R3) is not."""
    own = {one.trip.voltage_v.tobytes() for one in tests if one.cell == cell}
    return [one for one in tests if one.cell != cell and one.trip.voltage_v.tobytes() not in own]


def _left_out(tests: list[CellTest], cell: str) -> Metrics:
    """Errors on one cell of a balance that the others taught."""
    from twinpack.battery.pack import load_pack
    from twinpack.learn.heat import HeatSettings, fit_heat, heat_trip, surface_c

    taught = others(tests, cell)
    capacity, soc, ocv = slow_curve([one.trip for one in taught if one.kind == SLOW], load_pack(PACK).capacity_ah)
    trips = [heat_trip(one.trip, capacity, AMBIENT_C) for one in taught]
    balance = fit_heat(trips, soc, ocv, HeatSettings())
    errors: dict[str, list[Any]] = {}
    for one in tests:
        if one.cell == cell:
            trip = heat_trip(one.trip, capacity, AMBIENT_C)
            rested = surface_c(balance, trip, float(trip.temp_c[0])) - trip.temp_c
            errors.setdefault(f"temp_rmse_c_{one.kind.lower().replace('.', 'p')}", []).append(
                surface_c(balance, trip) - trip.temp_c
            )
            errors.setdefault("temp_rmse_c_known_start", []).append(rested)
    joined = {name: np.concatenate(parts) for name, parts in errors.items()}
    every = np.concatenate([part for name, part in joined.items() if name != "temp_rmse_c_known_start"])
    return {name: float(np.sqrt(np.nanmean(part**2))) for name, part in {"temp_rmse_c": every, **joined}.items()}


def _voltage(tests: list[CellTest], cells: list[str]) -> Metrics:
    """A circuit and its hybrid on each cell left out, with the nominal temperature: that of the cell is not told."""
    from dataclasses import replace

    from twinpack.battery.pack import load_pack
    from twinpack.cli.evaluations.hybrids import against_physics, bench_physics, gain

    def told(one: CellTest) -> TrainingTrip:
        return replace(one.trip, temp_c=np.full(len(one.trip.time_s), AMBIENT_C))

    pack = load_pack(PACK)
    physics: list[float] = []
    hybrid: list[float] = []
    for cell in cells:
        taught = [told(one) for one in others(tests, cell)]
        judged = [told(one) for one in tests if one.cell == cell]
        alone, together = against_physics(taught, judged, pack, bench_physics(taught, pack, 3))
        physics, hybrid = physics + alone, hybrid + together
    return gain(physics, hybrid)


def slow_curve(slow: list[TrainingTrip], rated_ah: float) -> tuple[float, Any, Any]:
    """Capacity, and the open-circuit voltage over the state of charge, of slow discharges from full: their mean."""
    grid = np.linspace(0.0, 1.0, 101)
    passed = [np.concatenate([[0.0], np.cumsum(np.diff(one.time_s) * -one.current_a[1:])]) / 3600.0 for one in slow]
    capacity = float(np.mean([one[-1] for one in passed])) if passed else rated_ah
    curves = [
        np.interp(grid, 1.0 - done[::-1] / done[-1], one.voltage_v[::-1])
        for one, done in zip(slow, passed, strict=True)
    ]
    return capacity, grid, np.mean(curves, axis=0)
