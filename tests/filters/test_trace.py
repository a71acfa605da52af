"""What a model may not do, and that each refusal names the line that does it and what to write instead."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
import pytest

from tests.filters.models import EVEN, Corrected, EveryOp, Linear, Still
from twinpack.errors import TraceError
from twinpack.filters import Living, Model, Scalar, compile
from twinpack.filters.ops import exp, interp, minimum, where
from twinpack.filters.trace import trace

Measure = Callable[[Any, Any, Any], Any]


class Plain(Model):
    """Two states, a parameter and an input; a test says what is measured."""

    dynamic: tuple[str, ...] = ("a", "b")
    living: tuple[Living, ...] = (Living("k", 1.0, 0.1),)
    inputs: tuple[str, ...] = ("push",)

    def __init__(self, measured: Measure = lambda a, b, push: a + b) -> None:
        self._measured = measured

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return x["a"] * x["k"], x["b"] + u["push"]

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        return self._measured(x["a"], x["b"], u["push"])

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return 1.0, 1.0

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 1.0


def branches(a: Any, b: Any, push: Any) -> Any:
    if a > 0:
        return a
    return b


def loops(a: Any, b: Any, push: Any) -> Any:
    while a < 1.0:
        a = a + b
    return a


def unpacks(a: Any, b: Any, push: Any) -> Any:
    first, _ = a
    return first


TRUTH = r"`where\(condition, a, b\)`, `minimum` or `maximum` of twinpack.filters.ops, or `&`, `\|` and `~`"
TRUTH_AND_NUMBER = (
    r"a condition is no number and a number no condition: make the one of the other with "
    r"where\(condition, 1.0, 0.0\) or a comparison"
)
REMAINDER = "there is no remainder of a traced value, nor a whole-number division"
FUNCTIONS = r"twinpack.filters.ops \(exp, log, sqrt, tanh, where, interp, minimum, maximum\)"

REFUSED: dict[str, tuple[Measure, str]] = {
    "if": (branches, TRUTH),
    "while": (loops, TRUTH),
    "if else": (lambda a, b, push: a if a > b else b, TRUTH),
    "and": (lambda a, b, push: where(a > 0 and b > 0, a, b), TRUTH),
    "or": (lambda a, b, push: where(a > 0 or b > 0, a, b), TRUTH),
    "not": (lambda a, b, push: where(not a > 0, a, b), TRUTH),
    "chain": (lambda a, b, push: where(0 < a < 1, a, b), TRUTH),
    "truth of a value": (lambda a, b, push: a or b, TRUTH),
    "min": (lambda a, b, push: min(a, 1), TRUTH),
    "max": (lambda a, b, push: max(1.0, a), TRUTH),
    "sorted": (lambda a, b, push: sorted([a, b])[0], TRUTH),
    "math.exp": (lambda a, b, push: math.exp(a), FUNCTIONS),
    "math.sqrt of an input": (lambda a, b, push: math.sqrt(push), FUNCTIONS),
    "float": (lambda a, b, push: float(a), FUNCTIONS),
    "int": (lambda a, b, push: int(a), FUNCTIONS),
    "round": (lambda a, b, push: round(a), FUNCTIONS),
    "complex": (lambda a, b, push: complex(a), FUNCTIONS),
    "index": (lambda a, b, push: [1.0, 2.0][a], FUNCTIONS),
    "np.exp": (lambda a, b, push: np.exp(a), r"numpy.exp cannot take a traced value; use " + FUNCTIONS),
    "np.maximum": (lambda a, b, push: np.maximum(a, 0.0), r"numpy.maximum .* use " + FUNCTIONS),
    "np.where": (lambda a, b, push: np.where(push > 0, 1.0, 2.0), "cannot be put into an array"),
    "np.add.reduce": (lambda a, b, push: np.add.reduce(a), "numpy.add cannot take a traced value"),
    "an array on the left": (lambda a, b, push: np.ones(3) * a, "numpy.multiply cannot take a traced value"),
    "np.array": (lambda a, b, push: np.array([a, b]).sum(), "write the arithmetic on single numbers"),
    "np.interp": (lambda a, b, push: np.interp(a, [0.0, 1.0], [0.0, 1.0]), "write the arithmetic on single numbers"),
    "iteration": (lambda a, b, push: sum(one for one in a), "one number: it cannot be iterated over or unpacked"),
    "unpacking": (unpacks, "cannot be iterated over or unpacked"),
    "len": (lambda a, b, push: len(a), "one number: it has no length"),
    "a broken power": (lambda a, b, push: a**1.5, r"whole number up to 16 or 0.5; use exp\(p \* log\(x\)\)"),
    "a high power": (lambda a, b, push: a**17, r"use exp\(p \* log\(x\)\)"),
    "a power of two": (lambda a, b, push: a**b, r"a power must be known; use exp\(p \* log\(x\)\)"),
    "an exponent": (lambda a, b, push: 2.0**a, r"cannot be an exponent; use exp\(x \* log\(base\)\)"),
    "an exponent of numpy": (lambda a, b, push: np.float64(2.0) ** a, "numpy.power cannot take a traced value"),
    "a power of a word": (lambda a, b, push: a ** "2", "must be a whole number"),
    "a remainder": (lambda a, b, push: a % 2, REMAINDER),
    "a remainder by it": (lambda a, b, push: 2 % push, REMAINDER),
    "a remainder of numpy": (lambda a, b, push: np.float64(2.0) % a, "numpy.remainder cannot take a traced value"),
    "a floor": (lambda a, b, push: a // 2, REMAINDER),
    "a floor by it": (lambda a, b, push: 2 // a, REMAINDER),
    "divmod": (lambda a, b, push: divmod(a, 2)[0], REMAINDER),
    "divmod by it": (lambda a, b, push: divmod(2, a)[0], REMAINDER),
    "a condition times a number": (lambda a, b, push: (a > 0) * b, TRUTH_AND_NUMBER),
    "a condition plus one": (lambda a, b, push: 1.0 + (push > 0), TRUTH_AND_NUMBER),
    "a number times a condition": (lambda a, b, push: np.float64(2.0) * (a > 0), TRUTH_AND_NUMBER),
    "minus a condition": (lambda a, b, push: -(a > 0), TRUTH_AND_NUMBER),
    "abs of a condition": (lambda a, b, push: abs(a > 0), TRUTH_AND_NUMBER),
    "a condition squared": (lambda a, b, push: (a > 0) ** 2, TRUTH_AND_NUMBER),
    "exp of a condition": (lambda a, b, push: exp(a > 0), TRUTH_AND_NUMBER),
    "minimum of a condition": (lambda a, b, push: minimum(a > 0, b), TRUTH_AND_NUMBER),
    "a condition compared": (lambda a, b, push: where((a > 0) == (b > 0), a, b), TRUTH_AND_NUMBER),
    "a condition chosen": (lambda a, b, push: where(a > 0, b > 0, a), TRUTH_AND_NUMBER),
    "a table read at a condition": (lambda a, b, push: interp(a > 0, (0.0, 1.0, 3.0), EVEN[:3]), TRUTH_AND_NUMBER),
    "a living table of conditions": (lambda a, b, push: interp(a, (0.0, 1.0), [a > 0, b]), TRUTH_AND_NUMBER),
    "numbers joined": (lambda a, b, push: where(a & b > 0, a, b), TRUTH_AND_NUMBER),
    "a number or a condition": (lambda a, b, push: where((a > 0) | push, a, b), TRUTH_AND_NUMBER),
    "a condition and True": (lambda a, b, push: where((a > 0) & True, a, b), TRUTH_AND_NUMBER),
    "a number inverted": (lambda a, b, push: where(~a, a, b), TRUTH_AND_NUMBER),
    "where on a number": (lambda a, b, push: where(a, 1.0, 2.0), "must be a comparison"),
    "where of a word": (lambda a, b, push: where(a > 0, "one", 2.0), "`where` chooses between numbers"),
    "descending points": (lambda a, b, push: interp(a, (1.0, 0.0), (1.0, 2.0)), "at least two points, ascending"),
    "one point": (lambda a, b, push: interp(a, (1.0,), (1.0,)), "at least two points, ascending"),
    "values missing": (lambda a, b, push: interp(a, (0.0, 1.0), (1.0,)), "as many values"),
    "living values missing": (lambda a, b, push: interp(a, (0.0, 1.0), (b,)), "as many values"),
}


def line_of(message: str) -> str:
    """The line of this file that a refusal names."""
    found = re.match(r"(.*), line (\d+), in (\S+): ", message)
    assert found, message
    assert found[1] == __file__
    with open(__file__, encoding="utf-8") as source:
        return source.read().splitlines()[int(found[2]) - 1]


def defined(message: str) -> tuple[str, str]:
    """Class and function that a refusal names, once the line it names is where that function begins."""
    found = re.match(r"(.*), line (\d+): (\w+)\.(\w+) ", message)
    assert found, message
    assert found[1] == __file__
    with open(__file__, encoding="utf-8") as source:
        assert f"def {found[4]}(" in source.read().splitlines()[int(found[2]) - 1]
    return found[3], found[4]


def told(model: Model) -> str:
    with pytest.raises(TraceError) as refused:
        trace(model)
    return str(refused.value)


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_names_the_line_and_what_to_write_instead(what: str) -> None:
    measured, instead = REFUSED[what]
    message = told(Plain(measured))
    assert re.search(instead, message), message
    line = line_of(message)
    shown = {"if": "if a > 0:", "while": "while a < 1.0:", "unpacking": "first, _ = a"}
    assert shown.get(what, f'    "{what}": (lambda') in line


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_every_backend_refuses(backend: Any) -> None:
    with pytest.raises(TraceError, match="a traced value has no truth yet"):
        compile(Plain(branches), backend=backend)


def test_the_message_names_the_function_too() -> None:
    assert ", in branches: a traced value has no truth yet" in told(Plain(branches))


class Other(Plain):
    """What a subclass gets wrong."""

    moves: tuple[Any, ...] = (1.0, 2.0)
    variances: Any = (1.0, 1.0)

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return self.moves

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        return self.variances  # type: ignore[no-any-return]


class OneMissing(Other):
    moves = (1.0,)


class OneTooMany(Other):
    variances = (1.0, 1.0, 1.0)


class NoSequence(Other):
    variances = 1.0


class NoNumber(Other):
    moves = (1.0, "two")


class Twice(Plain):
    living = (Living("a", 1.0, 0.1),)
    inputs = ("push", "b")


class Nothing(Plain):
    dynamic = ()
    living = ()


class NoName(Plain):
    inputs = ("current a",)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (OneMissing, "OneMissing.transition must give one value for each of a, b"),
        (OneTooMany, "OneTooMany.process_variance must give one value for each of a, b"),
        (NoSequence, "NoSequence.process_variance must give one value for each of a, b"),
        (NoNumber, "NoNumber.transition must give a number; it gave 'two'"),
    ],
)
def test_a_function_that_gives_something_else_is_named_with_file_and_line(kind: type[Plain], says: str) -> None:
    message, what = told(kind()), says.split(" must ")[0].split(".")[1]
    assert message.endswith(says), message
    assert defined(message) == (kind.__name__, what)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Twice, "Twice: a, b stands for more than one state, living parameter or input"),
        (Nothing, "Nothing: a model needs at least one dynamic state or living parameter"),
        (NoName, "NoName: 'current a' is no name; use letters, digits and '_'"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_by_name(kind: type[Plain], message: str) -> None:
    assert message in told(kind())


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (lambda a, b, push: a > b, "<(state(1), state(0))"),
        (lambda a, b, push: None, "None"),
        (lambda a, b, push: (a, b), "(state(0), state(1))"),
        (lambda a, b, push: "volts", "'volts'"),
        (lambda a, b, push: np.ones(2), "array([1., 1.])"),
    ],
)
def test_a_measurement_must_be_a_number(given: Measure, shown: str) -> None:
    message = told(Plain(given))
    assert message.endswith(f"Plain.measure must give a number; it gave {shown}")
    assert defined(message) == ("Plain", "measure")


def counted(function: Any) -> Any:
    """The function, wrapped."""

    @wraps(function)
    def call(*given: Any) -> Any:
        return function(*given)

    return call


class Wrapped(Plain):
    """What is wrong is inside a wrapper."""

    @counted
    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return "small"


def test_a_wrapped_function_is_named_itself() -> None:
    message = told(Wrapped())
    assert message.endswith("Wrapped.measurement_variance must give a number; it gave 'small'")
    found = re.search(r"line (\d+): ", message)
    assert found
    with open(__file__, encoding="utf-8") as source:
        assert source.read().splitlines()[int(found[1]) - 1].strip() == "@counted"


class Asking(Plain):
    """Asks for what is not there."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        if self.where == "x":
            return x["speed"]  # of the states
        return u["speed"]  # of the inputs


@pytest.mark.parametrize("where", ["x", "u"])
def test_a_name_that_is_not_there_is_refused_with_those_that_are(where: str) -> None:
    message = told(Asking(where))
    known = "a, b, k" if where == "x" else "push"
    assert message.endswith(f", in measure: the model asks for 'speed'; there are {known}")
    assert line_of(message).strip().startswith(f'return {where}["speed"]')


class Leaking(Plain):
    """A model whose variances depend on a state that it kept from another call."""

    def __init__(self, leak: str) -> None:
        super().__init__()
        self.leak, self.kept = leak, {}  # type: ignore[var-annotated]

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        self.kept |= {"b": x["b"], "k": x["k"]}
        return x["a"], x["b"]

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return 1.0 + self.kept["b"] * self.kept["k"] if self.leak == "measurement_variance" else 1.0

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return self.kept["k"] if self.leak == "learning_variance" else 1.0

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        return self.kept["b"] if self.leak == "prediction_variance" else 1.0


@pytest.mark.parametrize(
    ("leak", "asked"), [("measurement_variance", "b, k"), ("learning_variance", "k"), ("prediction_variance", "b")]
)
def test_a_variance_that_depends_on_a_state_is_refused(leak: str, asked: str) -> None:
    message = told(Leaking(leak))
    assert message.endswith(f"Leaking.{leak} must depend on the inputs alone; it depends on {asked}")
    assert defined(message) == ("Leaking", leak)


def test_values_of_two_models_do_not_mix() -> None:
    kept: dict[str, Any] = {}
    trace(Plain(lambda a, b, push: kept.setdefault("a", a)))
    message = told(Plain(lambda a, b, push: a + kept["a"]))
    assert "values of two traced models are mixed" in message
    assert "told(Plain(lambda" in line_of(message)
    for foreign in (lambda a, b, push: kept["a"], lambda a, b, push: interp(kept["a"], (0.0, 1.0, 3.0), EVEN[:3])):
        message = told(Plain(foreign))
        assert message.endswith("Plain.measure gave a value of another traced model, which it must have kept")
        assert defined(message) == ("Plain", "measure")


def test_a_traced_model_knows_its_names_and_sizes() -> None:
    traced = trace(EveryOp())
    assert (traced.name, traced.names, traced.states) == ("EveryOp", ("a", "b", "k", "left", "right"), 2)
    assert (traced.inputs, traced.size, len(traced.transition), len(traced.process)) == (("push", "dt_s"), 5, 2, 2)
    assert traced.learning is not traced.measurement and traced.prediction is not traced.measurement
    linear = trace(Linear())
    assert linear.learning is linear.measurement is linear.prediction
    assert trace(Still()).inputs == () and trace(Corrected()).size == 3
