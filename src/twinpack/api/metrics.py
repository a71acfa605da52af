"""What is measured of the API, in a Prometheus registry of its own; `docs/how-to/api.md` lists the names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10, 30)
_PREFIX = "twinpack_api"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Metrics:
    """Counters and gauges of one service."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered", "method", "route", "status")
        self._seconds = Histogram(
            f"{_PREFIX}_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self.subscribers = Gauge(f"{_PREFIX}_event_subscribers", "Event streams held open", registry=self._registry)
        self.dropped = self._counter("event_streams_dropped", "Event streams that ended, too slow to follow")

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; routes are patterns, and methods those of the API, so that they are few."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route or "other", str(status)).inc()
        if route != "/v1/events":  # it lasts as long as somebody listens
            self._seconds.labels(route or "other").observe(seconds)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return bytes(generate_latest(self._registry))

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", help_text, labels, registry=self._registry)
