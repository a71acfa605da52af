from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from twinpack.cli.evaluations import SIMULATIONS, simulated_ageing
from twinpack.learn.usage import Life, month_of


def fleet(truth: Any) -> Any:
    settings = SimpleNamespace(start=date(2020, 1, 6))
    return simulated_ageing.SimulatedFleet(settings, None, None, np.asarray(truth, dtype=float))  # type: ignore[arg-type]


def test_a_true_end_of_life_is_counted_from_the_moment_and_one_beyond_the_horizon_is_never() -> None:
    paths = np.stack([100.0 - 0.5 * np.arange(500.0), 100.0 - 0.01 * np.arange(500.0)], axis=1)
    found = fleet(paths).end_months(624, 80.0)
    # two years after the begin, which was on the sixth
    assert found[0] == pytest.approx(40.0 - 24.0 + 5.0 / 30.4, abs=0.1)
    assert np.isinf(found[1])


def test_truth_is_read_at_the_begin_of_a_month() -> None:
    paths = np.stack([100.0 - 0.5 * np.arange(50.0)], axis=1)
    assert fleet(paths).true_pct(612)[0] == pytest.approx(94.0 + 0.5 * 5.0 / 30.4, abs=0.05)


def test_nothing_later_is_left_of_a_life() -> None:
    day = np.arange(18_300.0, 18_400.0, 10.0)
    columns: list[Any] = [day, day + 0.1, *[np.ones(10, dtype=bool)] * 2, *[np.full(10, 0.5)] * 3, *[day] * 8]
    life = Life("car", *columns)
    cut = simulated_ageing.known_until(life, 18_345.0)
    assert cut.end_d.max() < 18_345.0 and cut.day_d.max() < 18_345.0
    assert len(cut.start_d) == len(cut.soc_end) == 5 and len(cut.odometer_km) == 5
    assert month_of(cut.day_d).max() <= month_of(18_345.0)


def test_a_line_that_never_falls_ends_at_the_horizon() -> None:
    path = np.stack([np.linspace(90.0, 60.0, 31), np.full(31, 90.0)], axis=1)
    assert simulated_ageing.crossed(path, 80.0).tolist() == [11.0, simulated_ageing.HORIZON]


@pytest.mark.slow
def test_the_quick_form_tells_all_of_it() -> None:
    found = SIMULATIONS["simulated_ageing"](Path(), True)
    assert 0.0 < found["soh_mae_pct"] < 4.0
    assert 50.0 <= found["eol_coverage_90_pct"] <= 100.0
    assert set(found["nmc_effects"]) == set(found["lfp_effects"]) == set(simulated_ageing.effect_cases())
    for moment in ("nmc_middle", "nmc_end", "lfp_middle", "lfp_end", "nmc_by_blast-nca_end"):
        assert {"soh_mae_pct", "in_5_y_mae_linear_pct", "eol_80_coverage_90_pct"} <= set(found[moment])
