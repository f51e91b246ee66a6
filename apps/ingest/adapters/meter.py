"""What ingest tells Prometheus and traces: once a chunk or batch, never once a row."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter, time_ns
from typing import Final

from apps.datasets.adapters import prometheus
from apps.datasets.adapters.tracing import tracing
from apps.ingest import metrics
from apps.ingest.adapters.trips import Trips
from apps.ingest.core.ports import Target
from apps.ingest.core.records import Part

_trips: Final = Trips()
"""Those of this process: it has one worker."""


@contextmanager
def timed_phase(phase: str) -> Iterator[None]:
    """Observe how long the block takes."""
    began_ns, started = time_ns(), perf_counter()
    try:
        yield
    finally:
        prometheus.histogram(metrics.PHASE_SECONDS).labels(phase).observe(perf_counter() - started)
        if tracing().on:
            _trips.phase(phase, began_ns=began_ns, ended_ns=time_ns())


def count_batch(target: Target, parts: Sequence[Part]) -> None:
    """Count a committed batch."""
    name = target.name
    prometheus.counter(metrics.BATCHES).labels(name).inc()
    prometheus.counter(metrics.RECORDS).labels(name).inc(sum(len(part.records) for part in parts))
    prometheus.counter(metrics.BYTES).labels(name).inc(sum(part.bytes for part in parts))
    reasons = Counter(reject.reason for part in parts for reject in part.rejects)
    reasons["late_dropped"] = sum(part.dropped for part in parts)
    for reason, count in reasons.items():
        if count:
            prometheus.counter(metrics.REJECTS).labels(name, reason).inc(count)
    if tracing().on:
        _trips.arrived(target, parts)


def count_failure(error: Exception) -> None:
    """Count a batch that was given up."""
    prometheus.counter(metrics.FAILURES).labels(type(error).__name__).inc()
    _trips.failed(error)


def show_stopped(dataset: str, sources: int) -> None:
    """Show how many sources of the dataset this worker has stopped."""
    prometheus.gauge(metrics.STOPPED).labels(dataset).set(sources)
