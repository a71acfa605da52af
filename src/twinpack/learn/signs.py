"""What an anomaly model looks at: figures of a vehicle's day that tell of its battery rather than of its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.twin.words import number

Floats: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = Mapping[str, Floats]

WINDOW_DAYS = 7
"""Days with telemetry over which a figure is smoothed, the day itself and those before it."""

BEFORE_DAYS = (8, 60)
"""Between so many days with telemetry before a day is what a vehicle is compared with that is compared with itself."""

EDGES_C = (0.0, 10.0, 20.0, 30.0)
"""Air temperatures between which days are compared with each other."""

_LEAST_IN_BIN = 40  # days that tell what is usual at a temperature
_LEAST_BEFORE = 4  # days before, with which a day is compared
_NARROW_V = 0.0005  # cells that differ by less than their channels tell are not told apart
_ROBUST = 1.4826


@dataclass(frozen=True)
class Sign:
    """One figure; it rises when something is wrong.

    Attributes:
        name: Its name in a model; it never changes its meaning.
        words: What it is, for people; `{at}` is the number of the cell or probe, `{value}` the figure with its unit.
        unit: Its unit.
        floor: Least standard deviation it is given: how finely it can be told.
        value: The figure by columns of the daily features.
        columns: The columns it needs.
        at: Column with the number of the cell or probe, "" for none.
        decimals: How it is written.
        about: Of signs that are about the same, one is told.
        own: Whether it is by how much the figure is over what it was on the vehicle's own days before.
        shown: Makes of the figure what people are told, in the unit; None where that is the figure itself.
    """

    name: str
    words: str
    unit: str
    floor: float
    value: Callable[[Columns], Floats]
    columns: tuple[str, ...]
    at: str = ""
    decimals: int = 1
    about: str = ""
    own: bool = False
    shown: Callable[[float], float] | None = None


_REGIMES = {"rest": "at rest", "load": "under load", "charge": "in charge"}


def _cell(regime: str, side: str) -> Sign:
    """The cell that is lowest or highest."""
    column = f"cell_{regime}_{side}_v"
    factor, where = (-1000.0, "below") if side == "low" else (1000.0, "above")
    words = f"cell {{at}} {_REGIMES[regime]} {{value}} {where} the median cell"
    return Sign(
        name=f"{regime}_{side}",
        words=words,
        unit="mV",
        floor=0.5,
        value=lambda day: factor * day[column],
        columns=(column,),
        at=f"cell_{regime}_{side}",
        about=f"{regime}_{side}",
    )


def _change(regime: str, side: str) -> Sign:
    """How much further that cell is off than the worst was before: a weak cell hides in a wide pack, but it moves."""
    sign = _cell(regime, side)
    where = "below" if side == "low" else "above"
    words = f"cell {{at}} {_REGIMES[regime]} {{value}} further {where} the median cell than the worst was before"
    return replace(sign, name=f"{sign.name}_change", words=words, own=True)


def _ratio(regime: str) -> Sign:
    """The lowest cell again, by how wide its pack is."""
    low, sigma = f"cell_{regime}_low_v", f"cell_{regime}_sigma_v"
    return Sign(
        name=f"{regime}_low_ratio",
        words=f"cell {{at}} {_REGIMES[regime]} {{value}} of the pack's cells below the median cell",
        unit="standard deviations",
        floor=0.3,
        value=lambda day: -day[low] / np.maximum(day[sigma], _NARROW_V),
        columns=(low, sigma),
        at=f"cell_{regime}_low",
        about=f"{regime}_low",
    )


def _plain(
    column: str, words: str, unit: str, floor: float, *, factor: float = 1.0, at: str = "", decimals: int = 1
) -> Sign:
    """A column as it is, or its negative."""
    return Sign(column, words, unit, floor, lambda day: factor * day[column], (column,), at, decimals)


SIGNS: dict[str, Sign] = {
    sign.name: sign
    for sign in (
        *(_cell(regime, side) for regime in _REGIMES for side in ("low", "high")),
        *(_change(regime, side) for regime in _REGIMES for side in ("low", "high")),
        _ratio("rest"),
        _ratio("load"),
        Sign(
            name="sag",
            words="cell {at} sags {value} further under load than the median cell",
            unit="mV",
            floor=0.5,
            value=lambda day: -1000.0 * day["cell_sag_v"],
            columns=("cell_sag_v",),
            at="cell_sag",
        ),
        _plain("probe_spread_mean_k", "probes {value} apart from each other", "K", 0.2),
        _plain("probe_high_k", "probe {at} {value} above the median probe", "K", 0.2, at="probe_high"),
        _plain("probe_low_k", "probe {at} {value} below the median probe", "K", 0.2, factor=-1.0, at="probe_low"),
        _plain("temp_rise_k_kwh", "warms by {value} while driven", "K/kWh", 0.05, decimals=2),
        Sign(
            name="hottest",
            words="hottest cell {value} above the air",
            unit="K",
            floor=0.5,
            value=lambda day: day["temp_max_c"] - day["ambient_mean_c"],
            columns=("temp_max_c", "ambient_mean_c"),
        ),
        Sign(
            name="isolation",
            words="isolation {value}",
            unit="kohm",
            floor=0.1,
            value=lambda day: 5.0 - np.log10(np.maximum(day["isolation_min_kohm"], 1.0)),
            columns=("isolation_min_kohm",),
            decimals=0,
            shown=lambda decades: 10.0 ** (5.0 - decades),
        ),
        _plain("cell_invalid_share", "share of frames with an impossible cell {value}", "", 0.005, decimals=3),
        _plain("probe_invalid_share", "share of frames with an impossible probe {value}", "", 0.005, decimals=3),
    )
}
"""Every figure, by name."""

COLUMNS = tuple(
    sorted(
        {column for sign in SIGNS.values() for column in (*sign.columns, sign.at) if column}
        | {"ambient_mean_c", "temp_mean_c"}
    )
)
"""Columns of the daily features that signs are made of."""


@dataclass(frozen=True)
class Days:
    """Vehicle-days, N of them, by vehicle and day.

    Attributes:
        vehicle: Vehicle of each, shape (N,).
        day: Days since the epoch, rising within a vehicle, shape (N,).
        columns: `COLUMNS` by name, NaN where nothing tells them, shape (N,).
    """

    vehicle: npt.NDArray[Any]
    day: npt.NDArray[np.int64]
    columns: Columns

    def __len__(self) -> int:
        """Number of vehicle-days."""
        return len(self.day)

    @classmethod
    def of(cls, table: pa.Table) -> Days:
        """From rows of the daily features, in any order."""
        ordered = table.sort_by([("vehicle_id", "ascending"), ("day", "ascending")])
        columns = {
            name: np.asarray(ordered.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
            for name in COLUMNS
        }
        day = ordered.column("day").cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(np.array(ordered.column("vehicle_id").to_pylist(), dtype=object), day, columns)

    def where(self, which: npt.NDArray[Any] | slice) -> Days:
        """Some of them."""
        return Days(self.vehicle[which], self.day[which], {name: one[which] for name, one in self.columns.items()})

    def blocks(self, rows: int) -> Iterator[Days]:
        """Whole vehicles, about so many of their days at a time."""
        first = np.flatnonzero(self.number() == 0)
        ends = np.append(first[1:], len(self))[: len(first)]
        begin = 0
        for index, end in enumerate(ends.tolist()):
            if index + 1 == len(ends) or ends[index + 1] - begin > rows:
                yield self.where(slice(begin, end))
                begin = end

    def values(self, names: tuple[str, ...]) -> Floats:
        """Signs of each day, shape (N, signs); NaN where nothing tells them."""
        found = np.array([SIGNS[name].value(self.columns) for name in names]).reshape(len(names), len(self)).T
        own = np.flatnonzero([SIGNS[name].own for name in names])
        found[:, own] -= self._mean_of_days(found[:, own], *BEFORE_DAYS, _LEAST_BEFORE)
        return found

    def bins(self) -> npt.NDArray[np.int64]:
        """Which days may be compared: by the temperature of the air, or else of the cells; -1 for none."""
        air, cells = self.columns["ambient_mean_c"], self.columns["temp_mean_c"]
        degrees = np.where(np.isfinite(air), air, cells)
        return np.where(np.isfinite(degrees), np.searchsorted(EDGES_C, degrees), -1)

    def number(self) -> npt.NDArray[np.int64]:
        """Which of its vehicle's days each is, from 0."""
        first = np.concatenate([[True], self.vehicle[1:] != self.vehicle[:-1]])[: len(self)]
        starts = np.flatnonzero(first)
        return np.arange(len(self)) - np.repeat(starts, np.diff(np.append(starts, len(self))))

    def latest(self, column: str, day: int) -> float:
        """What a column last told of a day's vehicle, in the window that ends with the day; NaN for nothing."""
        if not column:
            return float("nan")
        first = max(day - WINDOW_DAYS + 1, 0)
        known = np.isfinite(self.columns[column][first : day + 1]) & (
            self.vehicle[first : day + 1] == self.vehicle[day]
        )
        at = np.flatnonzero(known)
        return float(self.columns[column][first + at[-1]]) if len(at) else float("nan")

    def smoothed(self, values: Floats) -> Floats:
        """Mean of what is known on each day and on up to `WINDOW_DAYS` - 1 days of its vehicle before it."""
        return self._mean_of_days(values, 0, WINDOW_DAYS, 1)

    def _mean_of_days(self, values: Floats, first: int, end: int, least: int) -> Floats:
        """Mean of what is known `first` to before `end` days of the vehicle before each day; NaN for less than `least`.

        Sums begin anew with each day: its mean does not depend on how many days were handed in before them.
        """
        sums, counts = np.zeros(values.shape), np.zeros(values.shape)
        for back in range(first, min(end, len(self))):
            same = np.flatnonzero(self.vehicle[back:] == self.vehicle[: len(self) - back]) + back
            earlier = values[same - back]
            sums[same] += np.nan_to_num(earlier)
            counts[same] += np.isfinite(earlier)
        return np.where(counts >= least, sums / np.maximum(counts, 1.0), np.nan)


@dataclass(frozen=True)
class Scaling:
    """What is usual, for days of each temperature: medians and robust standard deviations, shape (bins + 1, signs).

    The last row is of all days, for those of no known temperature and of one that was hardly met.
    """

    centre: Floats
    scale: Floats

    @classmethod
    def of(cls, days: Days, values: Floats, names: tuple[str, ...]) -> Scaling:
        """Learn it from days."""
        bins = days.bins()
        floor = np.array([SIGNS[name].floor for name in names])
        centre = np.empty((len(EDGES_C) + 2, len(names)))
        scale = np.empty_like(centre)
        centre[-1], scale[-1] = _usual(values, floor)
        for index in range(len(EDGES_C) + 1):
            here = values[bins == index]
            known = np.isfinite(here).sum(axis=0) >= _LEAST_IN_BIN
            centre[index], scale[index] = centre[-1], scale[-1]
            if known.any():
                centre[index, known], scale[index, known] = _usual(here[:, known], floor[known])
        return cls(centre, scale)

    def scaled(self, days: Days, values: Floats) -> Floats:
        """How far each value is from what is usual, as the inverse hyperbolic sine of standard deviations.

        It goes on like a logarithm, so that one extreme day does not drown those about it.
        """
        row = days.bins()  # -1 is the last row
        return np.asarray(np.arcsinh((values - self.centre[row]) / self.scale[row]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Scaling:
        """From JSON values."""
        return cls(np.array(given["centre"], dtype=np.float64), np.array(given["scale"], dtype=np.float64))


def _usual(values: Floats, floor: Floats) -> tuple[Floats, Floats]:
    """Median and robust standard deviation of each column, of what is known; 0 and the floor where nothing is."""
    known = np.isfinite(values).any(axis=0)
    centre, scale = np.zeros(values.shape[1]), floor.copy()
    if known.any():
        some = values[:, known]
        centre[known] = np.nanmedian(some, axis=0)
        scale[known] = np.maximum(_ROBUST * np.nanmedian(np.abs(some - centre[known]), axis=0), floor[known])
    return centre, scale


def in_words(name: str, at: float, value: float, usual: float, spread: float) -> str:
    """A sign of a vehicle for people: what it is, how much, and what is usual, to twice the standard deviation."""
    sign = SIGNS[name]
    told = number(sign.shown(value) if sign.shown else value, sign.decimals)
    if sign.shown is None:
        about = f"{number(usual, sign.decimals)} ± {number(2.0 * spread, sign.decimals)}"
    else:
        ends = sorted(sign.shown(usual + side * spread) for side in (-2.0, 2.0))
        about = " to ".join(number(end, sign.decimals) for end in ends)
    unit = f" {sign.unit}" if sign.unit else ""
    return f"{sign.words.format(at=number(at), value=told + unit)} (usual {about})"
