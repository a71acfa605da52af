"""What a workshop's test of capacity or resistance does to a twin: a measurement like any other, with its own error.

A scalar Kalman update of what is deployed and of the shadow, dynamic states and their correlations included:

    y = h(x) + v,    S = H P H' + R,    K = P H' / S,    x' = x + K (y - h(x)),    P' = P - K S K'

with h the capacity, or the resistance that the twin's own model shows in the same pulse, and R the variance of the test
with the drift since it was made. A test that lies further than `MOST_SIGMA` standard deviations (the root of S) from
what the twin knew contradicts it: one of the two is wrong. Unless a person has confirmed it, it is refused, as a
version that says so. A confirmed one shows that the twin was too sure: the variance of the parameter is raised first
until the test lies `WIDENED_SIGMA` away, so that the twin goes over to it and stays open to what it measures next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack_model import PackModel
from twinpack.battery.pulse import pulse_ohm
from twinpack.twin.decide import Closing, new_version, recorded
from twinpack.twin.living import DAY_US, LivingTwins
from twinpack.twin.state import TwinState
from twinpack.twin.versions import MEASURED, REFUSED, TwinVersion
from twinpack.twin.words import signed, with_uncertainty

Floats = npt.NDArray[np.float64]

CAPACITY, RESISTANCE = "capacity", "resistance"

MOST_SIGMA = 5.0
"""Standard deviations from which on a test contradicts the twin."""

WIDENED_SIGMA = 2.0
"""So many remain of a contradiction that was confirmed."""

PULSE_S = 10.0
"""Length of a resistance test's pulse where none is told, s."""

_LIVES = {CAPACITY: "capacity_scale", RESISTANCE: "r0_scale"}
_UNITS = {CAPACITY: "Ah", RESISTANCE: "mΩ"}
_STEP = 1e-4


@dataclass(frozen=True)
class WorkshopTest:
    """One figure that a workshop measured.

    Attributes:
        name: `CAPACITY` or `RESISTANCE`.
        value: Of the pack, Ah or mohm.
        sd: Its standard deviation, in the same unit.
        soc: State of charge of a resistance test at its begin, 0 to 1.
        temp_c: Temperature of the cells in it, °C.
        pulse_s: Length of its pulse of discharge, s.
    """

    name: str
    value: float
    sd: float
    soc: float = 0.5
    temp_c: float = 25.0
    pulse_s: float = PULSE_S


@dataclass(frozen=True)
class Judged:
    """A test beside what a twin knew.

    Attributes:
        test: The test.
        prior: What the twin made of it, in its unit.
        prior_sd: Standard deviation of that.
        sd: That of the test, with the drift since.
        sigma: Test less twin, in standard deviations of both together.
        posterior: What the twin makes of it after, None where it was not asked.
        posterior_sd: Standard deviation of that.
    """

    test: WorkshopTest
    prior: float
    prior_sd: float
    sd: float
    sigma: float
    posterior: float | None = None
    posterior_sd: float | None = None

    @property
    def contradicts(self) -> bool:
        """Whether it lies too far from what the twin knew for both to be right."""
        return abs(self.sigma) > MOST_SIGMA


def tests_of(order: Mapping[str, Any]) -> tuple[WorkshopTest, ...]:
    """The tests that a command carries; see `fleet.commands.measures`."""
    found = []
    if order.get("capacity_ah") is not None:
        found.append(WorkshopTest(CAPACITY, float(order["capacity_ah"]), float(order["capacity_sd_ah"])))
    if order.get("resistance_mohm") is not None:
        at = float(order["soc_pct"]) / 100.0, float(order["temp_c"]), float(order["pulse_s"])
        found.append(WorkshopTest(RESISTANCE, float(order["resistance_mohm"]), float(order["resistance_sd_mohm"]), *at))
    return tuple(found)


def can_take(model: Any, test: WorkshopTest) -> bool:
    """Whether a model has what a test measures."""
    return isinstance(model, PackModel) and _LIVES[test.name] in {one.name for one in model.living}


def expected(model: PackModel, test: WorkshopTest, parameters: Floats) -> tuple[float, Floats]:
    """What a test would show by a model, and its derivative by the living parameters.

    Args:
        model: The model.
        test: The test.
        parameters: Shape (p,).

    Returns:
        The figure in the test's unit, and shape (p,).
    """
    names = [one.name for one in model.living]
    slope = np.zeros(len(names))
    if test.name == CAPACITY:
        at = names.index(_LIVES[CAPACITY])
        slope[at] = model.capacity_ah
        return float(model.capacity_ah * parameters[at]), slope
    steps = _STEP * np.maximum(np.abs(parameters), 0.1)
    moved = np.repeat(parameters[:, None], 2 * len(names) + 1, axis=1)
    for row, step in enumerate(steps):
        moved[row, 1 + 2 * row] += step
        moved[row, 2 + 2 * row] -= step
    mohm = 1e3 * pulse_ohm(model, dict(zip(names, moved, strict=True)), test.soc, test.temp_c, test.pulse_s)
    return float(mohm[0]), (mohm[1::2] - mohm[2::2]) / (2.0 * steps)


def judged(model: PackModel, test: WorkshopTest, mean: Floats, cov: Floats, drift_days: float = 0.0) -> Judged:
    """A test beside what is known of the living parameters.

    Args:
        model: The model.
        test: The test.
        mean: Living parameters, shape (p,).
        cov: Shape (p, p).
        drift_days: How long ago it was made, days: what may have drifted since is not known.
    """
    figure, slope = expected(model, test, mean)
    variance = max(_dot(slope, _times(cov, slope)), 0.0)
    sd = float(np.sqrt(test.sd**2 + _drifted(model, slope, drift_days)))
    sigma = (test.value - figure) / float(np.sqrt(variance + sd**2))
    return Judged(test, figure, float(np.sqrt(variance)), sd, sigma)


def measured(
    twins: LivingTwins, state: TwinState, vehicle_id: str, at_us: int, order: Mapping[str, Any]
) -> tuple[TwinState, TwinVersion] | None:
    """One vehicle's twin once a workshop's tests were taken in, and the version that tells.

    Args:
        twins: Its loop.
        state: Its state.
        vehicle_id: The vehicle.
        at_us: Time of the command's row.
        order: The command; see `fleet.commands.measures`.

    Returns:
        None where there is no twin yet, or its model has nothing that was measured.
    """
    model = twins.model
    tests = tests_of(order)
    if not isinstance(model, PackModel) or state.version[0] == 0 or not all(can_take(model, one) for one in tests):
        return None
    days = max(int(state.last_us[0]) - int(order["measured_us"]), 0) / DAY_US
    mean, cov = _deployed_now(twins, state)
    told, after, spread = _taken(model, tests, mean, cov, 0, days)
    if not all(np.isfinite(one.sigma) for one in told):
        return None
    refusal = _refusal(twins, told, after, bool(order["confirmed"]))
    if refusal:
        version = _version(twins, state, vehicle_id, at_us, order, told, refusal, proposed=after)
        return recorded(state, version), version
    version = _version(twins, state, vehicle_id, at_us, order, told, "", after, spread)
    taken = {
        "deployed_mean": after[:, None],
        "deployed_cov": spread[:, :, None],
        "deployed_clock": state.deployed_clock if twins.by_days else state.clock.copy(),
    }
    for name, use in (("shadow", bool(state.shadow_ok[0])), ("before", True)):
        if use:
            x, p = getattr(state, f"{name}_mean")[:, 0], getattr(state, f"{name}_cov")[:, :, 0]
            _, x, p = _taken(model, tests, x, p, twins.states, days)
            taken |= {f"{name}_mean": x[:, None], f"{name}_cov": p[:, :, None]}
    return recorded(state, version).with_(**taken), version


def _deployed_now(twins: LivingTwins, state: TwinState) -> tuple[Floats, Floats]:
    """What is deployed, as of the vehicle's last step."""
    if twins.by_days:
        days = np.maximum(state.last_us - state.deployed_us, 0) / DAY_US
        mean, cov = twins.trends.advance(state.deployed_mean, state.deployed_cov, days)
    else:
        mean, cov = twins.grown(state)
    return mean[:, 0], cov[:, :, 0]


def _taken(
    model: PackModel, tests: Sequence[WorkshopTest], mean: Floats, cov: Floats, first: int, days: float
) -> tuple[list[Judged], Floats, Floats]:
    """Tests taken in one after the other; living parameters begin at `first`."""
    told = []
    for test in tests:
        one = judged(model, test, mean[first:], cov[first:, first:], days)
        mean, cov = _updated(model, one, mean, cov, first)
        figure, slope = expected(model, test, mean[first:])
        variance = max(_dot(slope, _times(cov[first:, first:], slope)), 0.0)
        told.append(Judged(test, one.prior, one.prior_sd, one.sd, one.sigma, figure, float(np.sqrt(variance))))
    return told, mean, cov


def _updated(model: PackModel, one: Judged, mean: Floats, cov: Floats, first: int) -> tuple[Floats, Floats]:
    """The Kalman update, after the variance was raised where the test contradicts."""
    test = one.test
    slope = np.concatenate([np.zeros(first), expected(model, test, mean[first:])[1]])
    at = first + [living.name for living in model.living].index(_LIVES[test.name])
    off = test.value - one.prior
    cov = cov.copy()
    if one.contradicts:
        known = _dot(slope, _times(cov, slope)) + one.sd**2
        cov[at, at] += max((off / WIDENED_SIGMA) ** 2 - known, 0.0) / slope[at] ** 2
    across = _times(cov, slope)
    total = _dot(slope, across) + one.sd**2
    cov = cov - across[:, None] * across[None] / total
    return mean + across * (off / total), 0.5 * (cov + cov.T)


def _refusal(twins: LivingTwins, told: Sequence[Judged], after: Floats, confirmed: bool) -> str:
    """Why tests are not taken in, "" when they are."""
    for one in told:
        if one.contradicts and not confirmed:
            return (
                f"{_figure(one)} contradicts the twin, which knows {_known(one)}: it is "
                f"{abs(one.sigma):.1f} standard deviations off, more than {MOST_SIGMA:g}, and nobody confirmed it."
            )
    outside = (after < twins.lower) | (after > twins.upper)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        return (
            f"{_figure(told[0])} would make {twins.names[at]} {after[at]:.3f}, outside what is physically possible "
            f"({twins.lower[at]:g} to {twins.upper[at]:g})."
        )
    return ""


def _version(
    twins: LivingTwins,
    state: TwinState,
    vehicle_id: str,
    at_us: int,
    order: Mapping[str, Any],
    told: Sequence[Judged],
    refusal: str,
    mean: Floats | None = None,
    cov: Floats | None = None,
    *,
    proposed: Floats | None = None,
) -> TwinVersion:
    evidence: dict[str, Any] = {"record": str(order["record"]), "tested_us": int(order["measured_us"])}
    if order["who"]:
        evidence["who"] = str(order["who"])
    for one in told:
        evidence |= _evidence(twins, one, refused=bool(refusal))
    if any(one.contradicts for one in told) and not refusal:
        evidence["widened"] = True
    if proposed is not None:
        evidence["proposed_mean"] = proposed.tolist()
    kept = mean is None or cov is None
    return new_version(
        twins,
        Closing(vehicle_id, 0, at_us, at_us),
        number=int(state.version[0]) + 1,
        kind=REFUSED if refusal else MEASURED,
        parent=state.head[0].decode(),
        reason=f"{order['reason']}: {refusal or _sentence(told)}",
        mean=state.deployed_mean[:, 0] if mean is None or kept else mean,
        cov=state.deployed_cov[:, :, 0] if cov is None or kept else cov,
        window_us=int(order["measured_us"]),
        clock=float((state.deployed_clock if kept or twins.by_days else state.clock)[0]),
        evidence=evidence,
    )


def _evidence(twins: LivingTwins, one: Judged, refused: bool) -> dict[str, Any]:
    test, unit = one.test, {CAPACITY: "ah", RESISTANCE: "mohm"}[one.test.name]
    told: dict[str, Any] = {
        f"{test.name}_{unit}": test.value,
        f"{test.name}_sd_{unit}": one.sd,
        f"{test.name}_prior_{unit}": one.prior,
        f"{test.name}_prior_sd_{unit}": one.prior_sd,
        f"{test.name}_sigma": one.sigma,
    }
    if not refused:
        told |= {
            f"{test.name}_posterior_{unit}": one.posterior,
            f"{test.name}_posterior_sd_{unit}": one.posterior_sd,
        }
    if test.name == RESISTANCE:
        new = expected(twins.model, test, twins.prior_mean)[0] if isinstance(twins.model, PackModel) else 0.0
        told |= {"resistance_new_mohm": new, "soc": test.soc, "temp_c": test.temp_c, "pulse_s": test.pulse_s}
    return told


def _sentence(told: Sequence[Judged]) -> str:
    parts = []
    for one in told:
        now = with_uncertainty(one.posterior, 2.0 * (one.posterior_sd or 0.0))
        text = f"{_figure(one)}, where the twin knew {_known(one)} and now knows {now} {_UNITS[one.test.name]}"
        if one.contradicts:
            text += (
                f"; that is {abs(one.sigma):.1f} standard deviations off, so the twin was too sure of itself, and what "
                "it knew was widened first, as confirmed"
            )
        parts.append(text)
    return "; ".join(parts) + "."


def _figure(one: Judged) -> str:
    test = one.test
    text = f"{test.name} {with_uncertainty(test.value, 2.0 * one.sd)} {_UNITS[test.name]}"
    if test.name == CAPACITY:
        return text
    return f"{text} after {test.pulse_s:g} s at {100.0 * test.soc:.0f} % and {signed(test.temp_c).lstrip('+')} °C"


def _known(one: Judged) -> str:
    return f"{with_uncertainty(one.prior, 2.0 * one.prior_sd)} {_UNITS[one.test.name]}"


def _drifted(model: PackModel, slope: Floats, days: float) -> float:
    """Variance of what a test measured that its age adds; of models whose parameters walk with days alone."""
    if model.clock != "days" or any(one.rate_of for one in model.living):
        return 0.0
    return float(sum((gain * one.drift) ** 2 for gain, one in zip(slope.tolist(), model.living, strict=True)) * days)


def _times(cov: Floats, slope: Floats) -> Floats:
    """P H', by sums that no library's threads can order otherwise."""
    return np.asarray((cov * slope[None]).sum(axis=1))


def _dot(left: Floats, right: Floats) -> float:
    return float((left * right).sum())
