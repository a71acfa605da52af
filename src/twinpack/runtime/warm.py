"""Compiled loops made ready before the first sample comes: at the first start after an installation that takes time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from twinpack.battery.pack import load_pack
from twinpack.fleet.fold import fold
from twinpack.fleet.state import ShardState
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import TELEMETRY, TIME_TYPE, to_log

_BEGIN_US = 1_600_000_000_000_000
_ROWS, _STEP_US = 40, 30_000_000
_PROBES = 4
_SPEED_KMH = 60.0


def warm(state: ShardState, packs: Sequence[str]) -> None:
    """Fold twenty minutes of made-up vehicles, one for each pack, and forget them.

    Args:
        state: A state with the settings, prototypes and rules of the fold to come.
        packs: Packs of the vehicles to come, by name or as TOML text.
    """
    one_of_each = [(f"warm-{number}", pack) for number, pack in enumerate(packs)]
    trial = ShardState.empty(state.settings, state.prototypes, state.make, state.detect.rules)
    trial = trial.registered(one_of_each)
    for vehicle, pack in one_of_each:
        trial, _ = fold(trial, SampleBatch.from_arrow(_samples(vehicle, pack)))


def _samples(vehicle: str, pack: str) -> pa.Table:
    spec = load_pack(pack)
    times = pa.array(_BEGIN_US + _STEP_US * np.arange(_ROWS)).cast(TIME_TYPE)
    cell_v = float(spec.ocv.pchip(0.6))
    given = {
        "vehicle_id": pa.array([vehicle] * _ROWS),
        "sample_time": times,
        "receipt_time": times,
        "pack_voltage_v": pa.array(np.full(_ROWS, spec.series * cell_v)),
        "pack_current_a": pa.array(np.full(_ROWS, -0.2 * spec.capacity_ah)),
        "cell_temp_avg_c": pa.array(np.full(_ROWS, 25.0)),
        "soc_pct": pa.array(np.full(_ROWS, 60.0)),
        "speed_kmh": pa.array(np.full(_ROWS, _SPEED_KMH)),
        "load_kg": pa.array(np.full(_ROWS, 1000.0)),
        "odometer_km": pa.array(_SPEED_KMH / 3600.0 * _STEP_US / 1e6 * np.arange(_ROWS)),
        "cell_voltage_v": pa.array([[cell_v] * spec.series] * _ROWS, pa.list_(pa.float32())),
        "cell_temp_c": pa.array([[25.0] * _PROBES] * _ROWS, pa.list_(pa.float32())),
    }
    columns = [given[field.name] if field.name in given else pa.nulls(_ROWS, field.type) for field in TELEMETRY]
    return to_log(pa.Table.from_arrays(columns, schema=TELEMETRY))
