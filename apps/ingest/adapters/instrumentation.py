"""What ingest tells Prometheus and traces: once a chunk or batch, never once a row."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from time import perf_counter, time_ns
from typing import Final, ParamSpec

from apps.ingest import metrics
from apps.ingest.adapters.batch_traces import BatchTracer
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import SourceBatch
from apps.ingest.core.rejects import REASONS
from apps.telemetry import prometheus
from apps.telemetry.tracing.current import tracing

_tracer: Final = BatchTracer()
"""Those of this process: it has one worker."""

LOGGER: Final = logging.getLogger("apps.ingest")
P = ParamSpec("P")
_told: Final[set[type[Exception]]] = set()


def never_raises(tell: Callable[P, None]) -> Callable[P, None]:
    """The function, whose errors are logged once each: what was committed must not look as if it were not."""

    @wraps(tell)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            tell(*args, **kwargs)
        except Exception as error:
            if type(error) not in _told:
                _told.add(type(error))
                LOGGER.exception("a metric or span could not be written; records move on")

    return guarded


@contextmanager
def timed_phase(phase: str) -> Iterator[None]:
    """Observe how long the block takes."""
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
def count_batch(target: TargetTable, parts: Sequence[SourceBatch]) -> None:
    """Count a committed batch."""
    name = target.name
    prometheus.counter(metrics.BATCHES).labels(name).inc()
    prometheus.counter(metrics.RECORDS).labels(name).inc(sum(len(part.records) for part in parts))
    prometheus.counter(metrics.BYTES).labels(name).inc(sum(part.bytes for part in parts))
    _init_reasons(name)
    reasons = Counter(reject.reason for part in parts for reject in part.rejects)
    reasons["late_dropped"] = sum(part.dropped for part in parts)
    for reason, count in reasons.items():
        if count:
            prometheus.counter(metrics.REJECTS).labels(name, reason).inc(count)
    if tracing().on:
        _tracer.committed(target, parts)


@cache
def _init_reasons(dataset: str) -> None:
    """Show every reason at zero: refusals that are the first of their kind would else look like no rise at all."""
    for reason in REASONS:
        prometheus.counter(metrics.REJECTS).labels(dataset, reason)


@never_raises
def count_failure(error: Exception) -> None:
    """Count a batch that was given up."""
    prometheus.counter(metrics.FAILURES).labels(type(error).__name__).inc()
    _tracer.failed(error)


@never_raises
def set_stopped(dataset: str, sources: int) -> None:
    """Show how many sources of the dataset this worker has stopped."""
    prometheus.gauge(metrics.STOPPED).labels(dataset).set(sources)
