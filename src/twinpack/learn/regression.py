"""Train a small network so that it holds on vehicles, or trips, that it has not seen; what is dead is trained again.

A network is judged by groups (vehicles, else trips) left out in turn. Scaling and ranges are those of the training part
alone. tanh, not ReLU: a rectifier can die at its first step, and published runs did.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.bounded import Bounded
from twinpack.errors import LearningError
from twinpack.filters.network import Network
from twinpack.learn.progress import Tell, silent
from twinpack.twin.words import counted

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

DEAD_SPREAD = 1e-3
"""A network whose output spreads less than this share of its target's is dead."""

LEAST_ROWS = 50

PROGRESS = "training networks"


@dataclass(frozen=True)
class NetworkSettings:
    """How a network is trained.

    Attributes:
        hidden: Units of each hidden layer.
        penalties: Weights of the squared coefficients to choose from, in units of scikit-learn's `alpha`; rows of one
            trip tell much the same, so that they are larger than usual.
        folds: Parts that groups are left out in.
        rows: Rows used at most.
        iterations: Of the search.
        seeds: Tried in turn until a network is not dead.
    """

    hidden: tuple[int, ...] = (8,)
    penalties: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)
    folds: int = 4
    rows: int = 12_000
    iterations: int = 250
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Task:
    """What a network is to learn: N rows.

    Attributes:
        names: Of the inputs.
        least: Least scale of each input: what varies less tells nothing.
        inputs: Shape (N, inputs).
        target: Shape (N,).
        group: Vehicle or trip of each row, shape (N,).
    """

    names: tuple[str, ...]
    least: tuple[float, ...]
    inputs: Floats
    target: Floats
    group: Groups

    def rows(self, chosen: npt.NDArray[np.bool_]) -> Task:
        """Some of the rows."""
        return Task(self.names, self.least, self.inputs[chosen], self.target[chosen], self.group[chosen])


@dataclass(frozen=True)
class Trained:
    """A network, and those that judge it.

    Attributes:
        network: Trained on every row.
        judges: Of each group a network that has not seen it.
        penalty: The one chosen.
        seed: The first that gave a network alive.
    """

    network: Bounded
    judges: tuple[Bounded, ...]
    penalty: float
    seed: int


def train(task: Task, settings: NetworkSettings, what: str, advice: str, tell: Tell = silent) -> Trained:
    """A network of a task.

    Args:
        task: Rows, of at least two groups, numbered from 0.
        settings: How.
        what: What the network is of, for messages.
        advice: What to do when there is none.
        tell: Is told of progress.

    Raises:
        LearningError: There are too few rows or groups, or every seed gives a network that is dead or diverges.
    """
    _check(task, what)
    for seed in settings.seeds:
        tried = []
        for number, penalty in enumerate(settings.penalties):
            tell(PROGRESS, number, len(settings.penalties))
            tried.append((_judges(task, settings, penalty, seed), penalty))
        tell(PROGRESS, len(tried), len(tried))
        guesses = [_left_out(task, judges) for judges, _ in tried]
        errors = [_error(guess, task.target) if is_alive(guess, task.target) else np.inf for guess in guesses]
        best = int(np.argmin(errors))
        judges, penalty = tried[best]
        network = fit(task, settings, penalty, seed)
        if np.isfinite(errors[best]) and is_alive(evaluate(network, task.inputs), task.target):
            return Trained(network, judges, penalty, seed)
    raise LearningError(
        f"{what}: {counted(len(settings.seeds), 'network')} trained, dead, diverged or no better than a constant on "
        f"what it had not seen; {advice}"
    )


def is_alive(guess: Floats, target: Floats) -> bool:
    """Whether an output is finite, no constant, and better than the mean of what it should be."""
    if not np.isfinite(guess).all() or float(guess.std()) < DEAD_SPREAD * float(target.std()):
        return False
    return float(np.mean((guess - target) ** 2)) < float(target.var())


def fit(task: Task, settings: NetworkSettings, penalty: float, seed: int) -> Bounded:
    """One network trained on every row of a task."""
    from sklearn.neural_network import MLPRegressor

    centre, scale = task.inputs.mean(axis=0), np.maximum(task.inputs.std(axis=0), task.least)
    middle, spread = float(task.target.mean()), max(float(task.target.std()), 1e-12)
    machine = MLPRegressor(
        hidden_layer_sizes=settings.hidden,
        activation="tanh",
        solver="lbfgs",
        alpha=penalty,
        max_iter=settings.iterations,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the search ends by its number of steps: the penalty is what stops it
        machine.fit((task.inputs - centre) / scale, (task.target - middle) / spread)
    biases = [np.asarray(one, dtype=np.float64) for one in machine.intercepts_]
    biases[-1] = biases[-1] + middle / spread
    network = Network.of(machine.coefs_, biases, centre, scale, spread)
    low, high = task.inputs.min(axis=0), task.inputs.max(axis=0)
    return Bounded(network, task.names, tuple(map(float, low)), tuple(map(float, high)))


def evaluate(network: Bounded, inputs: Floats) -> Floats:
    """The network's output for rows of inputs, held to its range, shape (N,)."""
    net = network.network
    signal = (np.clip(inputs, network.low, network.high) - net.centre) / net.scale
    for number, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        signal = signal @ weight + bias
        if number + 1 < len(net.weights):
            signal = np.tanh(signal)
    return np.asarray(net.output_scale * signal[:, 0])


def parts(groups: Groups, folds: int) -> list[npt.NDArray[np.bool_]]:
    """Rows left out together: whole groups, dealt in order to as many parts as there are folds, or groups."""
    names, number = np.unique(groups, return_inverse=True)
    return [number % min(folds, len(names)) == part for part in range(min(folds, len(names)))]


def _judges(task: Task, settings: NetworkSettings, penalty: float, seed: int) -> tuple[Bounded, ...]:
    judges: dict[int, Bounded] = {}
    for part in parts(task.group, settings.folds):
        judge = fit(task.rows(~part), settings, penalty, seed)
        judges |= {int(group): judge for group in np.unique(task.group[part])}
    return tuple(judges[group] for group in sorted(judges))


def _left_out(task: Task, judges: Sequence[Bounded]) -> Floats:
    """For each row the output of a network that has not seen its group."""
    guess = np.empty(len(task.target))
    for group, judge in enumerate(judges):
        mine = task.group == group
        guess[mine] = evaluate(judge, task.inputs[mine])
    return guess


def _error(guess: Floats, target: Floats) -> float:
    return float(np.mean((guess - target) ** 2))


def _check(task: Task, what: str) -> None:
    if len(np.unique(task.group)) < 2:
        raise LearningError(
            f"{what}: there is one trip, and a network is judged by trips that it has not seen; raise --trips first:N"
        )
    if len(task.target) < LEAST_ROWS:
        raise LearningError(f"{what}: {len(task.target)} measured steps, at least {LEAST_ROWS} are needed")
    if not np.isfinite(task.inputs).all() or not np.isfinite(task.target).all():
        raise LearningError(f"{what}: the training rows hold values that are not finite: look at the trips they are of")
