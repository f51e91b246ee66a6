"""The trace of a batch: from the poll that brought its first record to its commit, and to where records came from."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from apps.ingest.core.headers import record_headers
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import ConsumerRecord, SourceBatch
from apps.telemetry.tracing.current import tracing
from apps.telemetry.tracing.port import OpenSpan, traceparent_of

LOOKED_AT: Final = 200
"""Records of a batch that are asked for the trace they belong to: a few tell, forty thousand cost."""

MOST_LINKS: Final = 32


class BatchTracer:
    """Follows one batch after another, of one worker. A batch begins with what is decoded first."""

    def __init__(self) -> None:
        self._span: OpenSpan | None = None
        self._under_way = False
        self._poll: tuple[int, int] | None = None

    def phase(self, name: str, *, began_ns: int, ended_ns: int) -> None:
        """Note a phase. A poll waits for what it brought: one that brought nothing leaves no trace."""
        if name == "poll":
            self._poll = (began_ns, ended_ns)
            return
        if not self._under_way:
            if name != "decode":
                return
            self._begin(began_ns)
        if self._span is None:
            return
        if self._poll is not None:
            self._span.child("poll", began_ns=self._poll[0], ended_ns=self._poll[1])
            self._poll = None
        self._span.child(name, began_ns=began_ns, ended_ns=ended_ns)

    def committed(self, target: TargetTable, parts: Sequence[SourceBatch]) -> None:
        """End the trip of a batch that was committed."""
        span, self._span, self._under_way = self._span, None, False
        if span is None:
            return
        for traceparent in _traceparents(part.records for part in parts):
            span.link(traceparent)
        topics = sorted({part.position.key.topic for part in parts})
        span.end(
            {
                "anden.name": f"batch {target.name}",
                "anden.dataset": target.name,
                "messaging.system": "kafka",
                "messaging.destination.name": ", ".join(topics),
                "messaging.batch.message_count": sum(len(part.records) for part in parts),
                "anden.rows": sum(len(part.rows) for part in parts),
                "anden.rejects": sum(len(part.rejects) for part in parts),
            }
        )

    def failed(self, error: Exception) -> None:
        """End the trip of a batch that was given up."""
        span, self._span, self._under_way = self._span, None, False
        if span is not None:
            span.end({}, error=type(error).__name__)

    def _begin(self, began_ns: int) -> None:
        self._under_way = True
        first_ns = began_ns if self._poll is None else self._poll[0]
        self._span = tracing().begin("batch", began_ns=first_ns)


def _traceparents(batches: Iterable[Sequence[ConsumerRecord]]) -> Iterable[str]:
    """The traces that some of the records belong to, each once."""
    found: dict[str, None] = {}
    for records in batches:
        for record in islice(records, 0, None, max(1, len(records) // LOOKED_AT)):
            headers = [(name, value) for name, value in record_headers(record) if isinstance(name, str)]
            if traceparent := traceparent_of(headers):
                found[traceparent] = None
            if len(found) >= MOST_LINKS:
                return found
    return found
