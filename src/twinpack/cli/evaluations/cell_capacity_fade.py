"""The evaluation on capacity of 277 cells of four laboratories, cycle by cycle: how it goes on, and when life ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.cli import output
from twinpack.errors import NotFoundError

if TYPE_CHECKING:
    from twinpack.evaluate.fade import Cell, Scored

Metrics = dict[str, Any]

SETS = ("HUST", "MIT", "TJU", "XJTU")

NOMINAL_AH = {"HUST": 1.1, "MIT": 1.1, "TJU": 3.5, "XJTU": 2.0}
NOMINAL_OF_BATCH_AH = {"Dataset_3_NCM_NCA_battery": 2.5}
"""Nominal capacity by laboratory, and of the batch that differs."""

CHARGE = ("cc_charge_Ah", "cc_charge_time_s", "cv_charge_Ah", "cv_charge_time_s")

FOLDS, CYCLE, BELOW = 10, 100, 0.95
QUICK_EVERY, QUICK_FOLDS = 4, 3


def evaluate(folder: Path, quick: bool, pictures: Path | None = None) -> Metrics:
    """Each cell forecast from cycle 100, and from where it falls below 95 %, by models of other cells.

    Args:
        folder: Has a Parquet file for each laboratory.
        quick: Fewer cells, folds and trees, one origin.
        pictures: Folder for a picture of what came of it, None for none.
    """
    from twinpack.evaluate.fade import (
        at_clock,
        by_set,
        dealt_by_cell,
        dealt_by_condition,
        figures,
        first_below,
        judge,
    )
    from twinpack.learn.fade_fit import FadeSettings, Lessons

    begun = time.perf_counter()
    cells = read_cells(folder)[:: QUICK_EVERY if quick else 1]
    settings = FadeSettings(trees=40, origins=8, sampled=20) if quick else FadeSettings()
    folds = QUICK_FOLDS if quick else FOLDS
    origins = {"cycle_100": (at_clock(CYCLE), float(CYCLE)), "below_95": (first_below(BELOW), None)}
    deals = {"": dealt_by_cell(cells, folds), "_conditions_left_out": dealt_by_condition(cells, folds)}
    metrics: Metrics = {}
    shown: list[Scored] = []
    with output.progress("forecasting", len(origins) * len(deals) * folds, "folds") as bar:
        done = 0

        def tell() -> None:
            nonlocal done
            done += 1
            bar.set(done)

        for name, (origin, age) in origins.items():
            lessons = Lessons.of([cell.curve for cell in cells], age, settings.origins)
            for suffix, fold in deals.items():
                if quick and (name, suffix) != ("cycle_100", ""):
                    continue
                found = judge(cells, lessons, fold, origin, settings=settings, baselines=not suffix, tell=tell)
                metrics[f"{name}{suffix}"] = figures(found)
                metrics |= {f"{name}{suffix}_{own}": told for own, told in by_set(found).items()}
                shown = shown or found
    together = metrics["cycle_100"]
    top = {name: together[name] for name in ("median_err_pct", "p90_err_pct", "coverage_90_pct")}
    metrics = {**top, **metrics, "seconds": round(time.perf_counter() - begun, 1)}
    if pictures is not None:
        from twinpack.report.fade import draw

        draw([cell.curve for cell in cells], shown, pictures)
    groups = {(cell.set_name, cell.condition) for cell in cells}
    return metrics | {
        "n": together["cells"],
        "conditions": len(groups),
        "split": f"{len(cells)} cells dealt to {folds} folds within each laboratory, and by {len(groups)} charging "
        "conditions; each forecast by a model of the cells of the other folds, from what it had shown itself by then",
    }


def read_cells(folder: Path) -> list[Cell]:
    """The cells of the laboratories whose files are there.

    Args:
        folder: Has a Parquet file for each laboratory.

    Raises:
        NotFoundError: There is none.
    """
    files = [(name, folder / f"{name}.parquet") for name in SETS if (folder / f"{name}.parquet").is_file()]
    if not files:
        raise NotFoundError(f"{folder}: there is none of {', '.join(f'{name}.parquet' for name in SETS)}")
    return [cell for name, file in files for cell in _cells_of(name, file)]


def _cells_of(name: str, file: Path) -> list[Cell]:
    import numpy as np
    import pyarrow.parquet as pq

    from twinpack.evaluate.fade import Cell, conditions
    from twinpack.learn.fade_curves import FadeCurve

    rows = pq.read_table(file).sort_by([("cell_id", "ascending"), ("cycle", "ascending")])
    who, batch = (np.array(rows.column(column).to_pylist()) for column in ("cell_id", "batch"))
    cycle, capacity, *charge = (
        rows.column(column).to_numpy().astype(np.float64) for column in ("cycle", "capacity_Ah", *CHARGE)
    )
    starts = np.flatnonzero(who[1:] != who[:-1]) + 1
    curves, early, batches = [], [], []
    for own in np.split(np.arange(len(who)), starts):
        nominal = NOMINAL_OF_BATCH_AH.get(str(batch[own[0]]), NOMINAL_AH[name])
        reference = float(np.median(capacity[own][1:10]))
        cc, cc_s, cv, cv_s = (one[own] for one in charge)
        extras = {
            "cc_charge": cc / nominal,
            "cc_time": cc_s,
            "cv_charge": cv / nominal,
            "cv_time": cv_s,
            "cc_rate": 3600.0 * cc / np.maximum(cc_s, 1.0) / nominal,
        }
        curves.append(
            FadeCurve(str(who[own[0]]), cycle[own], capacity[own] / reference, extras, size=reference / nominal)
        )
        early.append([max(float(np.median(one[own][1:10])), 1e-6) for one in charge])
        batches.append(str(batch[own[0]]))
    named = conditions(np.array(early), batches)
    return [Cell(curve, name, condition) for curve, condition in zip(curves, named, strict=True)]
