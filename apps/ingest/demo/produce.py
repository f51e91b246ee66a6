"""Send the demo's tables to their topics, resuming where an earlier run stopped."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from apps.ingest.demo.nycflights import DemoTable, TableRecords, read_table
from apps.ingest.demo.plan import check_tails, planned_records, remaining
from apps.ingest.demo.producer import DemoProducer
from apps.ingest.demo.rate_limiter import RateLimiter
from apps.ingest.demo.topic import TopicView

FLUSH_TIMEOUT_S: Final = 8.0
"""How long a stopped run waits for outstanding acknowledgements."""
POLL_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class ProduceProgress:
    """The progress of one table: records in its topic, and the total. `waiting_for` is what blocks it."""

    dataset: str
    held: int
    total: int
    sent: int
    waiting_for: str = ""

    @property
    def complete(self) -> bool:
        """Whether the entire table is in its topic."""
        return self.held == self.total


@dataclass(frozen=True, slots=True)
class ProduceContext:
    """The inputs of a run: client settings, rate, stop condition, progress callback."""

    client: Mapping[str, Any]
    rate: float
    stopped: Callable[[], bool]
    report: Callable[[ProduceProgress], None]


def produce(tables: Sequence[DemoTable], context: ProduceContext) -> list[ProduceProgress]:
    """Send what each table still lacks in Kafka, in order; return the progress of each table reached.

    Raises IngestError: nothing is lost, a later run resumes there.
    """
    producer = DemoProducer(context.client)
    with closing(TopicView(context.client)) as view:
        partitions = {table.name: view.partitions(table.name) for table in tables}
        results = []
        for table in tables:
            results.append(_produce_table(table, partitions[table.name], (context, producer, view)))
            if context.stopped():
                break
        return results


def _produce_table(
    table: DemoTable, partitions: int, dependencies: tuple[ProduceContext, DemoProducer, TopicView]
) -> ProduceProgress:
    context, producer, view = dependencies
    records = read_table(table)
    held = view.held(table.name, partitions)
    if any(held):
        check_tails(records, held, view.tails(table.name, held))
    counter = _ProgressCounter(records, sum(held), producer)
    context.report(counter.progress())
    _send(records, held, counter, context)
    _flush(producer, counter, context)
    context.report(counter.progress())
    return counter.progress()


class _ProgressCounter:
    """Counts one table's acknowledged records."""

    def __init__(self, records: TableRecords, held: int, producer: DemoProducer) -> None:
        self._name, self._total, self._held = records.table.name, len(records), held
        self.producer = producer
        self._before = producer.acknowledged

    def progress(self) -> ProduceProgress:
        """The current progress."""
        sent = self.producer.acknowledged - self._before
        return ProduceProgress(self._name, self._held + sent, self._total, sent, self.producer.waiting_for)


def _send(records: TableRecords, held: Sequence[int], counter: _ProgressCounter, context: ProduceContext) -> None:
    limiter = RateLimiter(context.rate, time.monotonic())
    name, producer = records.table.name, counter.producer
    for sent, record in enumerate(remaining(planned_records(records, len(held)), held)):
        while sent >= limiter.allowed(now := time.monotonic()) and not context.stopped():
            producer.serve(min(0.05, limiter.wait_s(now)))
            context.report(counter.progress())
        if context.stopped():
            return
        producer.send(name, record, records.value(record.row))
        if sent % POLL_EVERY == 0:
            producer.serve(0)
            context.report(counter.progress())


def _flush(producer: DemoProducer, counter: _ProgressCounter, context: ProduceContext) -> None:
    """Wait for all acknowledgements; a stopped run waits only a few seconds."""
    left_at = time.monotonic()
    while producer.serve(0.1):
        context.report(counter.progress())
        if context.stopped() and time.monotonic() - left_at > FLUSH_TIMEOUT_S:
            return
