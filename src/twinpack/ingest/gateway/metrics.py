"""What is measured, in a Prometheus registry of its own; `docs/how-to/gateway.md` lists the names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SIZES = (1, 10, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000)
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
_LAGS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 600, 3_600, 86_400)
_PREFIX = "twinpack_gateway"


class Metrics:
    """Counters and gauges of one gateway."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry()
        self.received = self._counter("messages_received", "Messages that arrived", "source")
        self.acknowledged = self._counter("messages_acknowledged", "Messages acknowledged, once durable", "source")
        self.decoded = self._counter("messages_decoded", "Messages that had samples, good or not")
        self.samples = self._counter("samples_received", "Samples in these messages")
        self.rejected_messages = self._counter("messages_rejected", "Messages turned away whole", "reason")
        self.accepted = self._counter("samples_accepted", "Samples in the log")
        self.duplicates = self._counter("samples_duplicate", "Samples dropped, an identical one came before")
        self.late = self._counter("samples_late", "Samples accepted, older than the newest of their vehicle")
        self.unrouted = self._counter("samples_unrouted", "Samples that no routing rule takes")
        self.rejected = self._counter("samples_rejected", "Samples turned away", "reason")
        self.cleared = self._counter("values_cleared", "Single values turned away", "reason")
        self.unknown_fields = self._counter("unknown_fields", "Messages with a field that means nothing here")
        self.gaps = self._counter("sequence_missing", "Messages missing by the vehicles' counters")
        self.restarts = self._counter("sequence_restarts", "Counters that began again")
        self.ahead = self._counter("samples_ahead", "Samples more than 5 s ahead of their receipt")
        self.write_failures = self._counter("write_failures", "Writes to the log that failed and were tried again")
        self.requests = self._counter("http_requests", "Requests answered", "status")
        self.reconnects = self._counter("mqtt_connects", "Connections made to the broker")
        self.lag = self._histogram("lag_seconds", "Receipt less sample time, mean of each batch", _LAGS)
        self.batch = self._histogram("batch_samples", "Samples of a write", _SIZES)
        self.sync = self._histogram("sync_seconds", "Time to force a write to disk", _SECONDS)
        self.commit = self._histogram("commit_seconds", "Time from taking a batch to its acknowledgement", _SECONDS)
        self.pending_bytes = self._gauge("pending_bytes", "Bytes of messages that wait to be written")
        self.unsealed = self._gauge("unsealed_rows", "Durable rows that are not in a segment yet")
        self.log_end = self._gauge("log_end_offset", "Offset after the last durable row")
        self.connected = self._gauge("mqtt_connected", "Whether the broker is connected")
        self.writable = self._gauge("log_writable", "Whether the last write succeeded")
        self.writable.set(1)

    def acknowledged_messages(self, source: str) -> int:
        """Messages of a source that were acknowledged."""
        return int(self.registry.get_sample_value(f"{_PREFIX}_messages_acknowledged_total", {"source": source}) or 0)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return bytes(generate_latest(self.registry))

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", help_text, registry=self.registry)

    def _histogram(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", help_text, buckets=buckets, registry=self.registry)
