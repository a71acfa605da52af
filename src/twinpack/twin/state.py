"""The state of the twins of one prototype: arrays with the vehicle index last, nothing hidden.

Its size does not grow with a vehicle's age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters import Filter

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

IDLE, CORRECTING, OPEN_LOOP = range(3)


@dataclass(frozen=True)
class TwinState:
    """Twins of B vehicles; n states and parameters of which p are parameters, K = 2n + 1 sigma points, 3 predictors.

    Attributes:
        shadow_mean: The living posterior, shape (n, B).
        shadow_cov: Shape (n, n, B).
        shadow_ok: False once the shadow's filter failed in the open trip.
        before_mean: The shadow as the open trip began, shape (n, B).
        before_cov: Shape (n, n, B).
        deployed_mean: Deployed parameters, shape (p, B).
        deployed_cov: Shape (p, p, B).
        version: Number of the newest version; 0 before the first, shape (B,).
        deployed_version: Number of the version deployed, shape (B,).
        deployed_us: When it was, shape (B,).
        head: Hash of the newest version, one a vehicle.
        refusals: Refused in a row, shape (B,).
        carried: Whether the state of charge may be carried to the next session, shape (B,).
        phase: `IDLE`, `CORRECTING` or `OPEN_LOOP`, shape (B,).
        number: Number of the open session, shape (B,).
        pred_mean: Predictors while the start may be corrected, then as the open loop began, shape (n, 3, B).
        pred_cov: Shape (n, n, 3, B).
        points: Dynamic states of predictors in open loop, shape (n - p, K, 3, B).
        pred_ok: False where a predictor failed, shape (3, B).
        opened_us: First step of the open session, shape (B,).
        first_us: First step of all, shape (B,); -1 before any.
        last_us: Last step, shape (B,); -1 before any.
        last_current: Last current, A, shape (B,).
        last_temp: Last temperature, °C, shape (B,).
        sums: Sums of e, e², |e|, inside, interval score and (e / sd)², shape (6, 3, B).
        normalised: Sum of the deployed error's z-score, shape (B,).
        scored: Scored steps, shape (B,).
        charge: Charge since the session began, its lowest and its highest, Ah, shape (3, B).
        effort: Sum of squared current and its count, shape (2, B).
        nis: Sum of the shadow's normalised innovations squared and its count, shape (2, B).
        seen: Widest swing (0 to 1) and highest RMS C-rate since the last accepted version, shape (2, B).
        window_us: First step of the data since the last accepted version, shape (B,).
        band: Logarithm of the factor on each predictor's band that its misses ask for, shape (3, B).
        spread: Geometric mean over trips of squared error over the model's own variance, shape (3, B).
        trips: Scored trips, shape (B,).
        change: Change detector's upper and lower sum, shape (2, B).
        kept: The open trip in bins of `refine.BIN_S`: sums of voltage, current and temperature and their count,
            shape (4, bins, B); no bins where the OCV does not live.
        long: The trip is longer than the bins, shape (B,).
        clock: Reading of the wear clock, at which the shadow's parameters are right, shape (B,).
        gained: What the open session adds to it, shape (B,).
        deployed_clock: Its reading at which the deployed parameters are right, shape (B,).
        way: What is carried along a route (see `routes`), shape (W, B); W is 0 for models driven by current.
    """

    shadow_mean: Floats
    shadow_cov: Floats
    shadow_ok: npt.NDArray[np.bool_]
    before_mean: Floats
    before_cov: Floats
    deployed_mean: Floats
    deployed_cov: Floats
    version: Integers
    deployed_version: Integers
    head: npt.NDArray[np.bytes_]
    refusals: Integers
    carried: npt.NDArray[np.bool_]
    phase: Integers
    number: Integers
    pred_mean: Floats
    pred_cov: Floats
    points: Floats
    pred_ok: npt.NDArray[np.bool_]
    opened_us: Integers
    first_us: Integers
    last_us: Integers
    last_current: Floats
    last_temp: Floats
    sums: Floats
    normalised: Floats
    scored: Integers
    charge: Floats
    effort: Floats
    nis: Floats
    seen: Floats
    window_us: Integers
    band: Floats
    spread: Floats
    trips: Integers
    deployed_us: Integers
    change: Floats
    kept: Floats
    long: npt.NDArray[np.bool_]
    clock: Floats
    gained: Floats
    deployed_clock: Floats
    way: Floats

    @property
    def vehicles(self) -> int:
        """B."""
        return len(self.version)

    @classmethod
    def new(
        cls, filter_: Filter, prior_mean: Floats, prior_cov: Floats, vehicles: int, bins: int = 0, way: int = 0
    ) -> TwinState:
        """Twins that have seen nothing.

        Args:
            filter_: The filter of the model.
            prior_mean: Prior of the living parameters, shape (p,).
            prior_cov: Shape (p, p).
            vehicles: B.
            bins: Bins of a trip that are kept until it ends.
            way: Quantities carried along a route.
        """
        n, p, b = filter_.size, len(prior_mean), vehicles
        mean = np.zeros((n, b))
        mean[n - p :] = prior_mean[:, None]
        cov = np.zeros((n, n, b))
        cov[n - p :, n - p :] = prior_cov[:, :, None]
        cov[np.arange(n - p), np.arange(n - p)] = 1.0
        return cls(
            shadow_mean=mean,
            shadow_cov=cov,
            shadow_ok=np.ones(b, dtype=np.bool_),
            before_mean=mean.copy(),
            before_cov=cov.copy(),
            deployed_mean=mean[n - p :].copy(),
            deployed_cov=cov[n - p :, n - p :].copy(),
            version=_zeros(b),
            deployed_version=_zeros(b),
            head=np.zeros(b, dtype="S64"),
            refusals=_zeros(b),
            carried=np.zeros(b, dtype=np.bool_),
            phase=_zeros(b),
            number=_zeros(b),
            pred_mean=np.zeros((n, 3, b)),
            pred_cov=np.zeros((n, n, 3, b)),
            points=np.zeros((n - p, filter_.columns, 3, b)),
            pred_ok=np.ones((3, b), dtype=np.bool_),
            opened_us=_zeros(b),
            first_us=_zeros(b) - 1,
            last_us=_zeros(b) - 1,
            last_current=np.zeros(b),
            last_temp=np.full(b, 25.0),
            sums=np.zeros((6, 3, b)),
            normalised=np.zeros(b),
            scored=_zeros(b),
            charge=np.zeros((3, b)),
            effort=np.zeros((2, b)),
            nis=np.zeros((2, b)),
            seen=np.zeros((2, b)),
            window_us=_zeros(b) - 1,
            band=np.zeros((3, b)),
            spread=np.ones((3, b)),
            trips=_zeros(b),
            deployed_us=_zeros(b),
            change=np.zeros((2, b)),
            kept=np.zeros((4, bins, b)),
            long=np.zeros(b, dtype=np.bool_),
            clock=np.zeros(b),
            gained=np.zeros(b),
            deployed_clock=np.zeros(b),
            way=np.zeros((way, b)),
        )

    @classmethod
    def of(cls, parts: Sequence[TwinState]) -> TwinState:
        """The twins of all, one after the other."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in _names()})

    def joined(self, other: TwinState) -> TwinState:
        """The twins of both."""
        return TwinState.of((self, other))

    def take(self, lanes: npt.NDArray[np.intp]) -> TwinState:
        """The twins of some lanes, copied."""
        return TwinState(**{name: np.ascontiguousarray(values[..., lanes]) for name, values in self.arrays().items()})

    def put(self, lanes: npt.NDArray[np.intp], part: TwinState) -> TwinState:
        """A copy with the twins of some lanes replaced."""
        mine = {name: values.copy() for name, values in self.arrays().items()}
        for name, values in part.arrays().items():
            mine[name][..., lanes] = values
        return TwinState(**mine)

    def with_(self, **changes: Any) -> TwinState:
        """A copy with some arrays replaced."""
        return replace(self, **changes)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every array by name."""
        return {name: getattr(self, name) for name in _names()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> TwinState:
        """The state whose `arrays` these are; one of the release before, without trends, has no wear clock."""
        vehicles = len(arrays["version"])
        later = {name: np.zeros(vehicles) for name in ("clock", "gained", "deployed_clock")}
        return cls(**{**later, "way": np.zeros((0, vehicles)), **arrays})


@cache
def _names() -> tuple[str, ...]:
    """Names of the arrays; `dataclasses.fields` looks for them anew each time, which trips of few vehicles feel."""
    return tuple(one.name for one in fields(TwinState))


def _zeros(count: int) -> Integers:
    return np.zeros(count, dtype=np.int64)
