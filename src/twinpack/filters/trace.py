"""Trace a model: call each of its functions once with stand-ins for states and inputs, and keep the graph."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twinpack.errors import TraceError
from twinpack.filters.graph import INPUT, STATE, Graph, Node
from twinpack.filters.model import Model
from twinpack.filters.refusal import refuse


@dataclass(frozen=True)
class TracedModel:
    """The graph of a model.

    Attributes:
        name: Name of the model's class.
        names: States and living parameters, in the order of every mean and covariance.
        states: How many of them are dynamic.
        inputs: Names of the inputs.
        graph: Where the nodes live.
        transition: Each dynamic state one step later.
        measure: The measured quantity.
        process: Variance a step adds to each dynamic state.
        measurement: Variance of the measurement.
        learning: The same while parameters learn.
        prediction: The same about an open-loop prediction.
    """

    name: str
    names: tuple[str, ...]
    states: int
    inputs: tuple[str, ...]
    graph: Graph
    transition: tuple[Node, ...]
    measure: Node
    process: tuple[Node, ...]
    measurement: Node
    learning: Node
    prediction: Node

    @property
    def size(self) -> int:
        """States and living parameters."""
        return len(self.names)


class _Named(dict[str, Any]):
    """Values by name that say which names there are when another is asked for."""

    def __missing__(self, name: str) -> Any:
        refuse(f"the model asks for {name!r}; there are {', '.join(self) or 'none'}")


def trace(model: Model) -> TracedModel:
    """The graph of a model.

    Raises:
        TraceError: The model does what a graph cannot hold; the message names the line.
    """
    name = type(model).__name__
    _check_names(model, name)
    graph = Graph()
    x = _Named({one: graph.leaf(STATE, i) for i, one in enumerate(model.names)})
    u = _Named({one: graph.leaf(INPUT, i) for i, one in enumerate(model.inputs)})

    def several(what: str, values: Any) -> tuple[Node, ...]:
        if not isinstance(values, Sequence) or len(values) != len(model.dynamic):
            raise TraceError(f"{_place(model, what)} must give one value for each of {', '.join(model.dynamic)}")
        return tuple(single(what, value) for value in values)

    def single(what: str, value: Any) -> Node:
        node = graph.number(value)
        if node is None or node.is_truth:
            raise TraceError(f"{_place(model, what)} must give a number; it gave {value!r:.80}")
        if node.graph is not graph:
            raise TraceError(f"{_place(model, what)} gave a value of another traced model, which it must have kept")
        return node

    def of_inputs(what: str, node: Node) -> Node:
        if node.states:
            asked = ", ".join(model.names[i] for i in sorted(node.states))
            raise TraceError(f"{_place(model, what)} must depend on the inputs alone; it depends on {asked}")
        return node

    process = several("process_variance", model.process_variance(u))
    return TracedModel(
        name=name,
        names=model.names,
        states=len(model.dynamic),
        inputs=tuple(model.inputs),
        graph=graph,
        transition=several("transition", model.transition(x, u)),
        measure=single("measure", model.measure(x, u)),
        process=tuple(of_inputs("process_variance", one) for one in process),
        measurement=of_inputs("measurement_variance", single("measurement_variance", model.measurement_variance(u))),
        learning=of_inputs("learning_variance", single("learning_variance", model.learning_variance(u))),
        prediction=of_inputs("prediction_variance", single("prediction_variance", model.prediction_variance(u))),
    )


def _place(model: Model, what: str) -> str:
    """A function of the model, with the line it begins at."""
    code = inspect.unwrap(getattr(type(model), what)).__code__
    return f"{code.co_filename}, line {code.co_firstlineno}: {type(model).__name__}.{what}"


def _check_names(model: Model, name: str) -> None:
    every = [*model.names, *model.inputs]
    twice = sorted({one for one in every if every.count(one) > 1})
    if twice:
        raise TraceError(f"{name}: {', '.join(twice)} stands for more than one state, living parameter or input")
    if not model.names:
        raise TraceError(f"{name}: a model needs at least one dynamic state or living parameter")
    wrong = [one for one in every if not one.isidentifier()]
    if wrong:
        raise TraceError(f"{name}: {wrong[0]!r} is no name; use letters, digits and '_'")
