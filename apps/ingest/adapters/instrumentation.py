"""Metrics and spans of ingest: per chunk or batch, never per row."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from time import perf_counter, time_ns
from typing import Final, ParamSpec

from apps.ingest import metrics
from apps.ingest.adapters.batch_traces import BatchTracer
from apps.ingest.core.ports import DatasetBatch
from apps.ingest.core.records import SourceBatch
from apps.ingest.core.rejects import REASONS
from apps.telemetry import prometheus
from apps.telemetry.tracing.current import tracing

_tracer: Final = BatchTracer()
"""One per process, as a process has one worker."""

LOGGER: Final = logging.getLogger("apps.ingest")
P = ParamSpec("P")
_logged: Final[set[type[Exception]]] = set()


def never_raises(function: Callable[P, None]) -> Callable[P, None]:
    """Log the function's errors once per class instead of raising: a commit must not look like a failure."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:
            if type(error) not in _logged:
                _logged.add(type(error))
                LOGGER.exception("could not record a metric or span; ingest continues")

    return guarded


@contextmanager
def timed_phase(phase: str) -> Iterator[None]:
    """Observe the duration of the block."""
    began_ns, started = time_ns(), perf_counter()
    try:
        yield
    finally:
        _observe(phase, began_ns, perf_counter() - started)


@never_raises
def _observe(phase: str, began_ns: int, seconds: float) -> None:
    prometheus.histogram(metrics.PHASE_SECONDS).labels(phase).observe(seconds)
    if tracing().on:
        _tracer.phase(phase, began_ns=began_ns, ended_ns=time_ns())


@never_raises
def count_batch(parts: Sequence[DatasetBatch]) -> None:
    """Count a committed batch."""
    for part in parts:
        _count_part(part.target.name, list(part.source_batches.values()))
    if tracing().on and parts:
        _tracer.committed(parts)


def _count_part(name: str, batches: Sequence[SourceBatch]) -> None:
    prometheus.counter(metrics.BATCHES).labels(name).inc()
    prometheus.counter(metrics.RECORDS).labels(name).inc(sum(len(batch.records) for batch in batches))
    prometheus.counter(metrics.BYTES).labels(name).inc(sum(batch.bytes for batch in batches))
    _init_reasons(name)
    reasons = Counter(reject.reason for batch in batches for reject in batch.rejects)
    reasons["late_dropped"] = sum(batch.dropped for batch in batches)
    for reason, count in reasons.items():
        if count:
            prometheus.counter(metrics.REJECTS).labels(name, reason).inc(count)


@cache
def _init_reasons(dataset: str) -> None:
    """Initialise every reason to zero, so that `increase()` sees the first reject of a kind."""
    for reason in REASONS:
        prometheus.counter(metrics.REJECTS).labels(dataset, reason)


@never_raises
def count_failure(error: Exception) -> None:
    """Count a discarded batch."""
    prometheus.counter(metrics.FAILURES).labels(type(error).__name__).inc()
    _tracer.failed(error)


@never_raises
def set_stopped(dataset: str, sources: int) -> None:
    """Set how many sources of the dataset this worker has stopped."""
    prometheus.gauge(metrics.STOPPED).labels(dataset).set(sources)
