"""The pictures of a fleet of routes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from twinpack.evaluate.routes import Lived
from twinpack.report.routes import draw

VEHICLES, ROUTES, POINTS = 3, 7, 20


def _lived() -> Lived:
    g = np.random.default_rng(1)
    table = 0.01 + 0.01 * g.random((VEHICLES, ROUTES))
    volts = np.tile(np.linspace(4.7, 3.0, POINTS), ROUTES)
    points = {
        "route": np.repeat(np.arange(ROUTES), POINTS),
        "sample_time": np.tile(np.arange(POINTS) * 60_000_000, ROUTES),
        "measured_v": volts,
        "deployed_v": volts + 0.01,
        "deployed_sd_v": np.full(len(volts), 0.02),
        "new_v": volts + 0.1,
    }
    return Lived(
        vehicle_ids=("a", "b", "c"),
        scored=np.full(table.shape, float(POINTS)),
        rmse_v=table,
        mae_v=table,
        covered=np.full(table.shape, 0.95),
        width_v=table,
        interval_score_v=table,
        never_rmse_v=10.0 * table,
        never_mae_v=table,
        new_rmse_v=30.0 * table,
        updated=np.ones(table.shape, np.bool_),
        points={"a": points},
    )


def test_three_pictures_are_drawn(tmp_path: Path) -> None:
    lives = {"threshold": _lived(), "always": _lived()}
    for published in (False, True):
        files = draw(lives, "a", 0.2, tmp_path / str(published), published=published)
        assert [file.name for file in files] == ["routes-life.png", "routes-error.png", "routes-coverage.png"]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
