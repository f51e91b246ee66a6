"""Trace batches: from the poll of the first record to the commit, with links to the records' own traces."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from apps.ingest.core.headers import record_headers
from apps.ingest.core.name_list import joined_names
from apps.ingest.core.ports import DatasetBatch
from apps.ingest.core.records import ConsumerRecord
from apps.telemetry.tracing.current import tracing
from apps.telemetry.tracing.port import OpenSpan, traceparent_of

SAMPLED: Final = 200
"""Records per batch whose headers are searched for a trace; searching forty thousand would be too slow."""

MOST_LINKS: Final = 32


class BatchTracer:
    """Traces the batches of one worker. A batch starts with its first decoded chunk."""

    def __init__(self) -> None:
        self._span: OpenSpan | None = None
        self._started = False
        self._poll: tuple[int, int] | None = None

    def phase(self, name: str, *, began_ns: int, ended_ns: int) -> None:
        """Record a phase. A poll is kept until its records are decoded; an empty poll leaves no span."""
        if name == "poll":
            self._poll = (began_ns, ended_ns)
            return
        if not self._started:
            if name != "decode":
                return
            self._begin(began_ns)
        if self._span is None:
            return
        if self._poll is not None:
            self._span.child("poll", began_ns=self._poll[0], ended_ns=self._poll[1])
            self._poll = None
        self._span.child(name, began_ns=began_ns, ended_ns=ended_ns)

    def committed(self, parts: Sequence[DatasetBatch]) -> None:
        """End the span of a committed batch."""
        span, self._span, self._started = self._span, None, False
        if span is None:
            return
        batches = [batch for part in parts for batch in part.source_batches.values()]
        names = [part.target.name for part in parts]
        for traceparent in _traceparents(batch.records for batch in batches):
            span.link(traceparent)
        topics = sorted({batch.position.key.topic for batch in batches})
        span.end(
            {
                "anden.name": f"batch {names[0] if len(names) == 1 else f'of {len(names)} datasets'}",
                "anden.dataset": joined_names(names),
                "messaging.system": "kafka",
                "messaging.destination.name": joined_names(topics),
                "messaging.batch.message_count": sum(len(batch.records) for batch in batches),
                "anden.rows": sum(len(batch.rows) for batch in batches),
                "anden.rejects": sum(len(batch.rejects) for batch in batches),
            }
        )

    def failed(self, error: Exception) -> None:
        """End the span of a discarded batch."""
        span, self._span, self._started = self._span, None, False
        if span is not None:
            span.end({}, error=type(error).__name__)

    def _begin(self, began_ns: int) -> None:
        self._started = True
        first_ns = began_ns if self._poll is None else self._poll[0]
        self._span = tracing().begin("batch", began_ns=first_ns)


def _traceparents(batches: Iterable[Sequence[ConsumerRecord]]) -> Iterable[str]:
    """The distinct traces of a sample of the records."""
    found: dict[str, None] = {}
    for records in batches:
        for record in islice(records, 0, None, max(1, len(records) // SAMPLED)):
            headers = [(name, value) for name, value in record_headers(record) if isinstance(name, str)]
            if traceparent := traceparent_of(headers):
                found[traceparent] = None
            if len(found) >= MOST_LINKS:
                return found
    return found
