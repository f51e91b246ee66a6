"""Brings the demo's tables into their topics, going on where an earlier run ended."""

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

LEAVE_WITHIN_S: Final = 8.0
"""How long a run that was told to stop waits for what is on its way."""
LOOK_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class ProduceProgress:
    """Where one table stands: records in its topic, of how many; `waiting_for` is what is being waited for."""

    dataset: str
    held: int
    total: int
    sent: int
    waiting_for: str = ""

    @property
    def complete(self) -> bool:
        """Whether the whole table is in its topic."""
        return self.held == self.total


@dataclass(frozen=True, slots=True)
class ProduceContext:
    """What a run needs from outside: the Kafka client's settings, when to stop, whom to tell."""

    client: Mapping[str, Any]
    rate: float
    stopped: Callable[[], bool]
    tell: Callable[[ProduceProgress], None]


def produce(tables: Sequence[DemoTable], run: ProduceContext) -> list[ProduceProgress]:
    """Send what is missing of each table, in order, and say where each stands that it came to.

    Raises IngestError: nothing is lost, a later run goes on from there.
    """
    sender = DemoProducer(run.client)
    with closing(TopicView(run.client)) as view:
        partitions = {table.name: view.partitions(table.name) for table in tables}
        stands = []
        for table in tables:
            stands.append(_produce_table(table, partitions[table.name], (run, sender, view)))
            if run.stopped():
                break
        return stands


def _produce_table(
    table: DemoTable, partitions: int, parts: tuple[ProduceContext, DemoProducer, TopicView]
) -> ProduceProgress:
    run, sender, view = parts
    records = read_table(table)
    held = view.held(table.name, partitions)
    if any(held):
        check_tails(records, held, view.tails(table.name, held))
    stand = _ProgressCounter(records, sum(held), sender)
    run.tell(stand.progress())
    _send(records, held, stand, run)
    _flush(sender, stand, run)
    run.tell(stand.progress())
    return stand.progress()


class _ProgressCounter:
    """Counts one table's records as they land."""

    def __init__(self, records: TableRecords, held: int, sender: DemoProducer) -> None:
        self._name, self._total, self._held = records.table.name, len(records), held
        self.sender = sender
        self._before = sender.acknowledged

    def progress(self) -> ProduceProgress:
        """Where the table stands now."""
        sent = self.sender.acknowledged - self._before
        return ProduceProgress(self._name, self._held + sent, self._total, sent, self.sender.away)


def _send(records: TableRecords, held: Sequence[int], stand: _ProgressCounter, run: ProduceContext) -> None:
    pace = RateLimiter(run.rate, time.monotonic())
    name, sender = records.table.name, stand.sender
    for sent, slot in enumerate(remaining(planned_records(records, len(held)), held)):
        while sent >= pace.allowed(now := time.monotonic()) and not run.stopped():
            sender.serve(min(0.05, pace.wait_s(now)))
            run.tell(stand.progress())
        if run.stopped():
            return
        sender.send(name, slot, records.value(slot.row))
        if sent % LOOK_EVERY == 0:
            sender.serve(0)
            run.tell(stand.progress())


def _flush(sender: DemoProducer, stand: _ProgressCounter, run: ProduceContext) -> None:
    """Wait until what was sent is stored; a run that was told to stop waits for a few seconds only."""
    left_at = time.monotonic()
    while sender.serve(0.1):
        run.tell(stand.progress())
        if run.stopped() and time.monotonic() - left_at > LEAVE_WITHIN_S:
            return
