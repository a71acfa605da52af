"""Capacity from the upper part of a charge, after a few reference cycles of the same cell.

What goes in from a voltage on (3.8 V, say) to the end of the taper is most of the capacity; which share, the cell's
own reference cycles tell. That share moves in one way that is common to cells: a new cell takes some charge before it
reaches the voltage, an aged one jumps over it at once, by its resistance. So where the reference share lies above 1,
the excess fades as less goes in:

    Q = r Q_in exp(-a max(ln r, 0) (1 - exp(-l / L)) + b (T - T_ref))

`l` is the logarithm of what went in at reference over what goes in now. `a` and `b` are learned from other cells; so is
the spread, from cells left out in turn. Nothing later than the reference cycles is asked of the cell, its last capacity
neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError
from twinpack.learn.charging import Charge, Estimate, silent

Floats = npt.NDArray[np.float64]

FORMAT = 1
REFERENCES = 5
"""Reference cycles that a cell needs."""

AGREE = 0.03
"""Reference cycles whose shares differ by more than this contradict each other."""

FADE_LOSS = 0.06
"""Logarithm of the charge lost over which most of an excess has faded (L)."""

ENDS_AT_C = 0.025
"""A charge must taper to this current by the rated capacity, 1/h, or lower."""

MOST_WARMER_K = 6.0
MOST_RATE_OFF = 0.15
"""How far temperature and current may be from those of some cell that was learned from: K, and as a share."""

_PER_K = 10.0
_RIDGE = 0.02
_LEAST_CELLS = 3
_GROSS = 0.15
_FULL_V = (2.0, 4.3)  # a reading outside is the sensor's


@dataclass(frozen=True)
class Upper:
    """The upper part of one charge.

    Attributes:
        ah: Charge that went in from the voltage on, Ah.
        temp_c: Mean temperature in constant current, °C.
        c_rate: Current there by the rated capacity, 1/h.
    """

    ah: float
    temp_c: float
    c_rate: float


@dataclass(frozen=True)
class Reference:
    """What the reference cycles of a cell say.

    Attributes:
        share: Capacity by what went in.
        ah: What went in, Ah.
        temp_c: At which temperature, °C.
        c_rate: At which current by the rated capacity, 1/h.
    """

    share: float
    ah: float
    temp_c: float
    c_rate: float


@dataclass(frozen=True)
class CellCycles:
    """The cycles of one cell: the upper part of each charge and the capacity measured after it, Ah, in time order."""

    uppers: tuple[Upper, ...]
    capacity_ah: tuple[float, ...]


def upper_of(charge: Charge, rated_ah: float, from_v: float, full_v: float) -> Upper | str:
    """The upper part of a charge, or why it has none.

    Args:
        charge: The charge.
        rated_ah: Rated capacity, Ah.
        from_v: Voltage from which on it counts, V.
        full_v: Voltage that it is held at in the end, V.
    """
    good = (charge.voltage_v > _FULL_V[0]) & (charge.voltage_v < _FULL_V[1])
    volts, amps, temp, time = (one[good] for one in (charge.voltage_v, charge.current_a, charge.temp_c, charge.time_s))
    flows = amps > 0.1 * rated_ah
    if not flows.any() or volts[: int(flows.argmax()) + 1].min() >= from_v:
        return f"The charge began above {from_v:g} V: charge from a lower state."
    up = np.flatnonzero((volts >= from_v) & flows)
    held = np.flatnonzero((volts >= full_v - 0.01) & (np.arange(len(volts)) >= (up[0] if len(up) else 0)))
    if len(up) < 5 or not len(held) or held[0] <= up[0]:
        return f"The charge did not reach {full_v:g} V: charge to the end."
    on = np.flatnonzero(amps > ENDS_AT_C * rated_ah)
    if on[-1] == len(amps) - 1 and amps[-1] > 2.0 * ENDS_AT_C * rated_ah:
        return "The charge was ended before its current had tapered off: let it end by itself."
    whole = Charge(time, volts, amps, temp).charged_ah
    constant = slice(up[0], held[0] + 1)
    return Upper(
        float(whole[on[-1]] - whole[up[0]]),
        float(temp[constant].mean()),
        float(amps[constant].mean()) / rated_ah,
    )


def reference_of(cell: CellCycles) -> tuple[Reference, int] | str:
    """What a cell's reference cycles say, with the cycle after the last of them; or why they say nothing.

    The first `REFERENCES` cycles in a row that agree: a cell whose first cycles were aborted has its later ones.
    """
    share = np.array(cell.capacity_ah) / np.array([one.ah for one in cell.uppers])
    for start in range(len(share) - REFERENCES + 1):
        some = share[start : start + REFERENCES]
        if some.max() <= (1.0 + AGREE) * some.min():
            uppers = cell.uppers[start : start + REFERENCES]
            middle = [float(np.median([getattr(one, name) for one in uppers])) for name in ("ah", "temp_c", "c_rate")]
            return Reference(float(np.median(some)), *middle), start + REFERENCES
    return f"No {REFERENCES} reference cycles in a row agree within {100 * AGREE:g} %."


@dataclass(frozen=True)
class UpperModel:
    """How the share moves; learned from other cells.

    Attributes:
        rated_ah: Rated capacity of the cells, Ah.
        fading: How much of an excess fades (a).
        per_k: Change of the logarithm of the share with temperature, 1/K (b).
        sd: Standard deviation of a capacity by the rated one, of cells left out in turn.
        temps_c: Range of temperature of each cell that was learned from, °C.
        c_rates: Current of each by the rated capacity, 1/h.
    """

    rated_ah: float
    fading: float
    per_k: float
    sd: float
    temps_c: tuple[tuple[float, float], ...]
    c_rates: tuple[float, ...]

    def capacity(self, upper: Upper, reference: Reference) -> Estimate:
        """Capacity, Ah, that a charge says a cell has, or why it says nothing."""
        new = self._unseen(upper)
        return silent(new) if new else self.forced(upper, reference)

    def forced(self, upper: Upper, reference: Reference) -> Estimate:
        """The same whatever the conditions."""
        fade, warmer = _terms(reference, np.array([upper.ah]), np.array([upper.temp_c]))
        told = reference.share * upper.ah * np.exp(-self.fading * fade[0] + self.per_k * warmer[0])
        return Estimate(float(told), self.sd * self.rated_ah)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> UpperModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of a newer release.
        """
        try:
            if artifact["format"] != FORMAT:
                raise LearningError(f"a model of charges of format {artifact['format']!r}; this release reads {FORMAT}")
            rated, fading, per_k, sd = (float(artifact[name]) for name in ("rated_ah", "fading", "per_k", "sd"))
            spans = tuple((float(low), float(high)) for low, high in artifact["temps_c"])
            rates = tuple(float(one) for one in artifact["c_rates"])
        except (KeyError, TypeError, ValueError) as error:
            raise LearningError(f"not a model of charges: {error}") from error
        if not np.isfinite([rated, fading, per_k, sd]).all():
            raise LearningError("not a model of charges: a number is not finite")
        return cls(rated, fading, per_k, sd, spans, rates)

    def _unseen(self, upper: Upper) -> str:
        off_k = min(max(low - upper.temp_c, upper.temp_c - high, 0.0) for low, high in self.temps_c)
        if off_k > MOST_WARMER_K:
            return (
                f"It was charged at {upper.temp_c:.0f} °C, {off_k:.0f} K from any cell that was learned from: "
                "learn from cells at this temperature."
            )
        off = min(abs(upper.c_rate / rate - 1.0) for rate in self.c_rates)
        if off > MOST_RATE_OFF:
            return f"It was charged at {upper.c_rate:.2g} C, a rate that nothing was learned of."
        return ""


def learn_upper(cells: Sequence[CellCycles], rated_ah: float) -> UpperModel:
    """Learn how the share moves.

    Cells count alike. The spread is that of each cell by what the others teach.

    Raises:
        LearningError: Fewer than three cells have reference cycles and cycles after them.
    """
    told = [one for one in map(_told, cells) if one is not None]
    if len(told) < _LEAST_CELLS:
        raise LearningError(f"{len(told)} cells with reference cycles and others after them; it takes {_LEAST_CELLS}")
    fading, per_k = _fit(told)
    errors = []
    for at, one in enumerate(told):
        others = _fit(told[:at] + told[at + 1 :])
        predicted = one.base * np.exp(one.terms @ np.array([-others[0], others[1]]))
        errors.append(float(np.mean(((predicted - one.measured) / rated_ah) ** 2)))
    return UpperModel(
        rated_ah,
        fading,
        per_k,
        float(np.sqrt(np.mean(errors))),
        tuple((float(one.temps.min()), float(one.temps.max())) for one in told),
        tuple(one.reference.c_rate for one in told),
    )


@dataclass(frozen=True)
class _Told:
    """What one cell's cycles after its references teach."""

    reference: Reference
    base: Floats
    measured: Floats
    terms: Floats
    temps: Floats


def _told(cell: CellCycles) -> _Told | None:
    found = reference_of(cell)
    if isinstance(found, str) or found[1] >= len(cell.uppers):
        return None
    reference, after = found
    ah, temp = (np.array([getattr(one, name) for one in cell.uppers[after:]]) for name in ("ah", "temp_c"))
    terms = np.stack(_terms(reference, ah, temp), axis=1)
    return _Told(reference, reference.share * ah, np.array(cell.capacity_ah[after:]), terms, temp)


def _terms(reference: Reference, ah: Floats, temp_c: Floats) -> tuple[Floats, Floats]:
    """What `a` and `b` are multiplied by."""
    lost = np.maximum(np.log(reference.ah / ah), 0.0)
    excess = max(float(np.log(reference.share)), 0.0)
    return excess * (1.0 - np.exp(-lost / FADE_LOSS)), temp_c - reference.temp_c


def _fit(told: Sequence[_Told]) -> tuple[float, float]:
    scale = np.array([-1.0, 1.0 / _PER_K])
    left, right = np.zeros((2, 2)), np.zeros(2)
    for one in told:
        target = np.log(one.measured / one.base)
        terms = one.terms * scale
        use = np.abs(target) < _GROSS  # a charge that was cut, a capacity that was not measured to the end
        left += terms[use].T @ terms[use] / max(int(use.sum()), 1)
        right += terms[use].T @ target[use] / max(int(use.sum()), 1)
    left += _RIDGE * np.diag(np.diag(left)) + 1e-12 * np.eye(2)
    fading, warmer = np.linalg.solve(left, right)
    return float(fading), float(warmer) / _PER_K
