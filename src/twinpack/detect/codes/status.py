"""What a state tells in the terms of ISO 14229: the fault detection counter, codes by status."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.kernel import BROKEN
from twinpack.detect.codes.state import CodesState
from twinpack.detect.rules import PackRules
from twinpack.detect.rules.evaluation import FAIL, PASS
from twinpack.detect.status_byte import CONFIRMED, FAILED, PENDING
from twinpack.telemetry.arrivals import Bools


@dataclass(frozen=True)
class CodeStatus:
    """One code of one vehicle.

    Attributes:
        code: The code.
        status: Status byte.
        fdc: Fault detection counter, -128 to 127.
        occurrence: How often it was raised.
        since_us: First failing sample of the newest run of failures, None without.
        first_us: When it was first raised, None when not.
    """

    code: str
    status: int
    fdc: int
    occurrence: int
    since_us: int | None
    first_us: int | None


def counters(state: CodesState, rules: PackRules) -> npt.NDArray[np.int16]:
    """Fault detection counter of every vehicle and rule, -128 to 127, shape (V, R)."""
    debounce, passing = rules.terms[:, 0], rules.terms[:, 1]
    last = state.verdict & ~np.uint8(BROKEN)
    failing = np.minimum(127, 127 * state.count_us // np.maximum(debounce, 1))
    passed = np.minimum(128, 128 * -state.count_us // np.maximum(passing, 1))
    result = np.where(state.count_us > 0, failing, -passed)
    result = np.where((debounce == 0) & (last == FAIL), 127, result)
    return np.where((passing == 0) & (last == PASS), -128, result).astype(np.int16)


def listed(state: CodesState, lane: int, rules: PackRules, mask: int = PENDING | CONFIRMED) -> list[CodeStatus]:
    """Codes of a vehicle of which any bit of `mask` is set (service 0x19, sub-function 0x02)."""
    one = state.taken(np.array([lane]))
    fdc = counters(one, rules)[0]
    known = [at for at in range(len(rules)) if int(one.status[0, at]) & mask]
    return [
        CodeStatus(
            code=rules.rules[at].rule.code,
            status=int(one.status[0, at]),
            fdc=int(fdc[at]),
            occurrence=int(one.occurrence[0, at]),
            since_us=_time(one.since_us[0, at]),
            first_us=_time(one.first_us[0, at]),
        )
        for at in known
    ]


def active(state: CodesState) -> Bools:
    """Codes that are confirmed and fail now, shape (V, R)."""
    now: Bools = (state.status & (FAILED | CONFIRMED)) == (FAILED | CONFIRMED)
    return now


def _time(value: np.int64) -> int | None:
    known = int(value)
    return None if known == np.iinfo(np.int64).min else known
