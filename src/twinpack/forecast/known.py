"""What a twin's version tells of a vehicle's health, kind by kind, and where it cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.health import REFERENCE_LOSS_SHARE
from twinpack.battery.pack_model import PackModel
from twinpack.forecast.health import energy_estimate
from twinpack.twin.explain import Change, Explanation
from twinpack.twin.figures import CAPACITY, RESISTANCE, health
from twinpack.twin.sentences import change_in_words, difference, is_told
from twinpack.twin.versions import MEASURED, PROMOTED, PROTOTYPE, REFUSED, ROLLBACK, TwinVersion

Floats = npt.NDArray[np.float64]

CAPACITY_KIND, RESISTANCE_KIND, ENERGY, IMBALANCE, BMS = KINDS = (
    "capacity",
    "resistance",
    "energy",
    "imbalance",
    "bms",
)
"""The kinds of health, each told apart from the others."""

UNITS = dict(zip(KINDS, ("%", "× new", "%", "mV", "points"), strict=True))

TWIN, CELLS, CHARGE, WORKSHOP = SOURCES = ("twin", "cells", "charge", "workshop")

Z95 = 1.959963984540054

MOST_OF_PRIOR = 0.8
"""Data that leave more than this share of the prior's standard deviation have told too little."""

MOST_SD = {CAPACITY_KIND: 7.5, RESISTANCE_KIND: 0.5}
"""Standard deviation above which a figure is of no use, whatever the prior: % of rated, times new."""

OCV_ERROR_V = 0.01
"""What the open-circuit voltage is off where it is flat, V: the hysteresis of LFP alone is 10 to 30 mV between charge
and discharge. It is the same on every trip, so that no number of them averages it out."""

USUAL_SWING = 0.4
"""Swing of charge that capacity was learned over, 0 to 1, where a version does not tell it."""

FADE_SD_PCT_A_YEAR = 1.5
"""How far capacity may have gone elsewhere since a test, % of rated a year."""

_YEAR_US = 365.25 * 86_400e6

_HELPS = {
    CAPACITY_KIND: (
        "A drive or charge over at least a third of the charge from or to a rest would help"
        "{flat}, or a workshop's test (`twinpack maintenance add VEHICLE --capacity-ah`)"
    ),
    RESISTANCE_KIND: (
        "Drives that accelerate and brake at moderate charge would help, or a workshop's test "
        "(`twinpack maintenance add VEHICLE --resistance-mohm`)"
    ),
}
_FLAT = ", for LFP one that ends full or nearly empty: its voltage hardly changes in between"


@dataclass(frozen=True)
class Basis:
    """What the figures of a model's twins are told by.

    Attributes:
        prior_sd: Standard deviations of its living parameters before anything was learned, by name.
        loss_share: As for `energy_health`.
        flat: Whether its open-circuit voltage is flat in the middle, as LFP's.
        slope_v: Its usual slope, V over the whole charge; see `flat_slope_v`.
    """

    prior_sd: dict[str, float]
    loss_share: float = REFERENCE_LOSS_SHARE
    flat: bool = False
    slope_v: float = 1.0


@dataclass(frozen=True)
class Told:
    """One kind of health as a version tells it.

    Attributes:
        kind: One of `KINDS`.
        value: The figure, None where the data cannot tell.
        sd: Its standard deviation, None with it.
        reason: Why it changed; or why it is not known, and what would help.
    """

    kind: str
    value: float | None
    sd: float | None
    reason: str


@dataclass(frozen=True)
class Anchor:
    """The last workshop's test of capacity that a twin took in.

    Attributes:
        sd_pct: Standard deviation of capacity once it had, % of rated.
        at_us: When it was tested, microseconds since the epoch.
    """

    sd_pct: float
    at_us: int


def anchor_of(version: TwinVersion, capacity_ah: float | None, before: Anchor | None) -> Anchor | None:
    """The anchor from a version on; a roll-back or a new model knows of none."""
    if version.kind == MEASURED and "capacity_ah" in version.evidence:
        sd = health(version, capacity_ah).capacity_sd_pct
        return before if sd is None else Anchor(sd, int(version.evidence["tested_us"]))
    return None if version.kind in (ROLLBACK, PROMOTED) else before


def basis_of(model: PackModel, loss_share: float, flat: bool, slope_v: float = 1.0) -> Basis:
    """The basis of a model that is driven by current."""
    given = model.prior_covariance
    sd = np.sqrt(np.diagonal(np.array(given))) if given else np.array([one.sd for one in model.living])
    return Basis(
        {one.name: float(value) for one, value in zip(model.living, sd, strict=True)}, loss_share, flat, slope_v
    )


@dataclass(frozen=True)
class Seen:
    """A version with all that tells what its figures are worth.

    Attributes:
        version: The version, one that was deployed.
        explanation: It explained.
        capacity_ah: Rated capacity of the pack, None when it is not known.
        basis: Of its model.
        hint: Why the last update was refused, "" for none.
        anchor: The last test of capacity that is part of it.
    """

    version: TwinVersion
    explanation: Explanation
    capacity_ah: float | None
    basis: Basis
    hint: str = ""
    anchor: Anchor | None = None


def told_by(seen: Seen) -> list[Told]:
    """Capacity, resistance and energy as a version that was deployed tells them."""
    state = health(seen.version, seen.capacity_ah)
    more_pct = 0.0
    if seen.basis.flat and state.capacity_sd_pct is not None:
        more_pct = flat_error_pct(seen.version, state.capacity_sd_pct, seen.basis.slope_v, seen.anchor)
    capacity = _one(seen, CAPACITY_KIND, CAPACITY, state.capacity_pct, _both_sd(state.capacity_sd_pct, more_pct), 0.01)
    resistance = _one(seen, RESISTANCE_KIND, RESISTANCE, state.resistance_x, state.resistance_sd_x, 1.0)
    return [capacity, resistance, _energy(seen, capacity, more_pct)]


def _both_sd(sd: float | None, more: float) -> float | None:
    return None if sd is None else float(np.hypot(sd, more))


def flat_error_pct(version: TwinVersion, sd_pct: float, slope_v: float, anchor: Anchor | None = None) -> float:
    """What a flat voltage adds to the standard deviation of capacity, % of rated.

    Capacity is charge over the difference of two states of charge, and each of these is off by the model's voltage
    error over the slope: `sqrt(2) dV / (dV/dz) / swing` of it. A test of a workshop needs no voltage: what it left
    open, and how far capacity may have gone since, bounds the whole.

    Args:
        version: The version.
        sd_pct: Standard deviation of its capacity, % of rated.
        slope_v: Usual slope of the voltage over the charge, V.
        anchor: The last test of capacity that is part of it.
    """
    if version.kind == MEASURED and "capacity_ah" in version.evidence:
        return 0.0
    swing = version.evidence.get("soc_swing")
    swing = swing if isinstance(swing, (int, float)) and swing > 0 else USUAL_SWING
    error = float(100.0 * np.sqrt(2.0) * OCV_ERROR_V / slope_v / max(float(swing), 0.1))
    if anchor is None:
        return error
    years = max(version.sample_time_us - anchor.at_us, 0) / _YEAR_US
    most = float(np.hypot(anchor.sd_pct, FADE_SD_PCT_A_YEAR * years))
    return float(min(error, np.sqrt(max(most**2 - sd_pct**2, 0.0))))


def last_change(explained: Sequence[Explanation], kind: str) -> tuple[Explanation, Change] | None:
    """The last version that changed capacity or resistance in the digits that are known, and that change.

    Where none moved the figure, the last that changed its interval.
    """
    names = {CAPACITY_KIND: CAPACITY, RESISTANCE_KIND: RESISTANCE}.get(kind, ())
    pairs = [(each, one) for each in explained for one in _changes(each, names) if is_told(one)]
    moved = [pair for pair in pairs if any(digit in "123456789" for digit in difference(pair[1]))]
    found = moved or pairs
    return found[-1] if found else None


def told_by_workshop(version: TwinVersion, capacity_ah: float | None) -> list[Told]:
    """What a workshop's test said, where one made or was to make this version; nothing for others.

    One that was refused is told without its figure: the twin knows better, or nobody knows.
    """
    evidence = version.evidence
    if "record" not in evidence or version.kind not in (MEASURED, REFUSED):
        return []
    new = {
        CAPACITY_KIND: (capacity_ah, "ah", 100.0),
        RESISTANCE_KIND: (evidence.get("resistance_new_mohm"), "mohm", 1.0),
    }
    told = []
    for kind, (base, unit, factor) in new.items():
        value = evidence.get(f"{kind}_{unit}")
        if value is None or not base:
            continue
        x = factor / float(base)
        if version.kind == REFUSED:
            told.append(Told(kind, None, None, version.reason))
        else:
            told.append(Told(kind, x * float(value), x * float(evidence[f"{kind}_sd_{unit}"]), version.reason))
    return told


def _one(seen: Seen, kind: str, names: Sequence[str], value: float | None, sd: float | None, factor: float) -> Told:
    """Capacity or resistance; `factor` times its figure is its parameter."""
    if value is None or sd is None:
        text = f"This vehicle's model has no {kind} of its own. One that is driven by current would"
        return Told(kind, None, None, text)
    why = _too_little(seen, kind, names, sd, factor)
    if why:
        helps = _HELPS[kind].format(flat=_FLAT if seen.basis.flat else "")
        refused = f"Last refused: {seen.hint[:1].lower()}{seen.hint[1:]}" if seen.hint else ""
        return Told(kind, None, None, " ".join(f"{text.rstrip('.')}." for text in (why, refused, helps) if text))
    changes = (change_in_words(one) for one in _changes(seen.explanation, names) if is_told(one))
    texts = [text for text in (*changes, seen.version.reason) if text]
    return Told(kind, value, sd, " ".join(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in texts))


def _changes(explanation: Explanation, names: Sequence[str]) -> list[Change]:
    """The change of the first of some parameters that a version has: it is the one that counts."""
    found = {one.name: one for one in explanation.changes}
    return [found[name] for name in names if name in found][:1]


def _too_little(seen: Seen, kind: str, names: Sequence[str], sd: float, factor: float) -> str:
    """Why a figure is not called known, "" when it is."""
    if seen.version.kind == PROTOTYPE:
        return f"Nothing of this vehicle was learned yet: only what its model says of any {kind} is known"
    prior = next((seen.basis.prior_sd[name] for name in names if name in seen.basis.prior_sd), None)
    if prior is not None and factor * sd > MOST_OF_PRIOR * prior:
        why = f"Its data say hardly more of {kind} than was known of any such battery"
    elif sd > MOST_SD[kind]:
        why = f"Its data leave {kind} too uncertain, to within {2.0 * sd:.2g} {UNITS[kind]}"
    else:
        return ""
    if kind == CAPACITY_KIND and seen.basis.flat:
        why += ": the voltage of this chemistry hardly changes with the charge in between"
    return why


def _energy(seen: Seen, capacity: Told, more_pct: float) -> Told:
    if capacity.value is None:
        return Told(ENERGY, None, None, "Energy needs capacity, which is not known here. What helps that helps this.")
    mean, cov = _both(seen.version, seen.capacity_ah)
    cov[0, 0] += (more_pct / 100.0) ** 2
    value, sd = energy_estimate(mean, cov, seen.basis.loss_share)
    return Told(ENERGY, value, sd, f"From capacity and resistance. {capacity.reason}")


def _both(version: TwinVersion, capacity_ah: float | None) -> tuple[Floats, Floats]:
    """Capacity and resistance by those when new, with their covariance."""
    names = version.parameters
    size = len(names)
    cov = np.zeros((size, size))
    rows, columns = np.tril_indices(size)
    cov[rows, columns] = cov[columns, rows] = version.covariance
    at = [next((names.index(name) for name in some if name in names), -1) for some in (CAPACITY, RESISTANCE)]
    factors = [1.0 / capacity_ah if at[0] >= 0 and names[at[0]] == "capacity_ah" and capacity_ah else 1.0, 1.0]
    mean = np.array([factor * version.mean[row] if row >= 0 else 1.0 for factor, row in zip(factors, at, strict=True)])
    both = np.array(
        [
            [fa * fb * cov[a, b] if a >= 0 and b >= 0 else 0.0 for fb, b in zip(factors, at, strict=True)]
            for fa, a in zip(factors, at, strict=True)
        ]
    )
    return mean, both
