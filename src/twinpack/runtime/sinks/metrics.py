"""What sinks did, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from twinpack.runtime.sinks.follow import SinkState

_PREFIX = "twinpack_sink"


class SinkMetrics(Collector):
    """Counts messages by sink, each time it is asked."""

    def __init__(self, states: Callable[[], Sequence[SinkState]], end: Callable[[], int]) -> None:
        """Tell of some sinks.

        Args:
            states: Their states.
            end: Log offset up to which there are findings.
        """
        self._states, self._end = states, end

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The counts and gauges."""
        sent = CounterMetricFamily(f"{_PREFIX}_sent", "Messages that were taken", labels=["sink"])
        failures = CounterMetricFamily(f"{_PREFIX}_failures", "Tries that failed", labels=["sink"])
        given_up = CounterMetricFamily(f"{_PREFIX}_given_up", "Messages refused too often", labels=["sink"])
        passed = CounterMetricFamily(f"{_PREFIX}_passed_over", "Findings not told", labels=["sink", "reason"])
        behind = GaugeMetricFamily(f"{_PREFIX}_behind_rows", "Rows of the log that it has to look at", labels=["sink"])
        failing = GaugeMetricFamily(f"{_PREFIX}_failing", "Whether its last try failed", labels=["sink"])
        for state in self._states():
            sent.add_metric([state.name], state.sent)
            failures.add_metric([state.name], state.failures)
            given_up.add_metric([state.name], state.given_up)
            behind.add_metric([state.name], max(self._end() - state.offset, 0))
            failing.add_metric([state.name], float(bool(state.problem)))
            for reason, count in state.passed_over.copy().items():
                passed.add_metric([state.name, reason], count)
        yield from (sent, failures, given_up, passed, behind, failing)
