"""An in-memory store, with the same contract tests as PostgreSQL (tests/contract/ingest)."""

import datetime
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from apps.datasets.adapters.table.ledger import BatchEntry
from apps.datasets.core.contract.contract import WriteMode
from apps.datasets.core.table.month_bounds import month_start
from apps.ingest.adapters.postgres_store import ledger_entry
from apps.ingest.core.bisection import bisect_refused
from apps.ingest.core.errors import (
    DuplicateCoordinates,
    Fenced,
    PartitionMissing,
    RecordRefused,
    RetriableStoreError,
    TopicRecreated,
)
from apps.ingest.core.ports import SourceClaim, TargetTable
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, Reject, Row, SourceBatch, SourceKey


@dataclass(slots=True)
class StoredSource:
    """A source's row."""

    id: int
    key: SourceKey
    next_offset: int
    epoch: int = 0
    owner: "MemoryStore | None" = None
    max_at_ms: int | None = None
    last_error: str = ""
    attempt: Attempt | None = None
    leader_epoch: int | None = None


@dataclass(slots=True)
class MemoryTables:
    """Committed data, shared by the stores of all workers; `faults` are raised by the methods they name."""

    sources: list[StoredSource] = field(default_factory=list)
    rows: defaultdict[int, dict[tuple[Any, ...], Row]] = field(default_factory=lambda: defaultdict(dict))
    rejects: list[tuple[int, int, Reject]] = field(default_factory=list)
    ledger: list[BatchEntry] = field(default_factory=list)
    months: defaultdict[int, set[datetime.date]] = field(default_factory=lambda: defaultdict(set))
    days: bool = True
    faults: list[tuple[str, Exception]] = field(default_factory=list)
    refuses: Callable[[Row], RecordRefused | None] = lambda _row: None
    last_id: int = 0

    def fault(self, method: str) -> None:
        """Raise the next fault if it is for this method."""
        if self.faults and self.faults[0][0] == method:
            raise self.faults.pop(0)[1]


class MemoryStore:
    """The session of one worker; `ended` once a successor has fenced it."""

    def __init__(self, tables: MemoryTables, *, worker: str = "memory") -> None:
        self._tables = tables
        self._worker = worker
        self._target: TargetTable | None = None
        self._rows: list[Row] = []
        self.ended = False

    def claim(self, claim: SourceClaim) -> Position:
        """The position of a source, claimed by this worker under a new epoch."""
        self._tables.fault("claim")
        key = claim.key
        lives = {source.key.topic_id for source in self._sources(key.dataset_id, key.topic)} - {""}
        if lives and key.topic_id not in lives:
            raise TopicRecreated(f"the topic {key.topic} was deleted and made again")
        source = self._source(key) or self._make(claim)
        if claim.known_epoch is not None and source.epoch != claim.known_epoch:
            raise Fenced(f"{key.topic_partition} is read by another worker")
        orphaned = source.owner is not None and claim.known_epoch is None
        if source.owner is not None and source.owner is not self:
            source.owner.ended = True
        for former in self._tables.sources:
            mine = former.key.dataset_id == key.dataset_id
            if mine and (former.key.topic, former.key.topic_id) != (key.topic, key.topic_id):
                former.last_error = ""
        source.epoch, source.owner, source.last_error = source.epoch + 1, self, ""
        return Position(
            source.id,
            key,
            epoch=source.epoch,
            next_offset=source.next_offset,
            max_at_ms=source.max_at_ms,
            leader_epoch=source.leader_epoch,
            orphaned=orphaned,
            attempt=source.attempt,
        )

    def _sources(self, dataset_id: int, topic: str) -> list[StoredSource]:
        """The sources of the topic, including earlier topic ids."""
        mine = (dataset_id, topic)
        return [source for source in self._tables.sources if (source.key.dataset_id, source.key.topic) == mine]

    def _source(self, key: SourceKey) -> StoredSource | None:
        return next((source for source in self._tables.sources if source.key == key), None)

    def _make(self, claim: SourceClaim) -> StoredSource:
        if unknown := self._source(replace(claim.key, topic_id="")):
            unknown.key, unknown.next_offset = claim.key, claim.first_offset
            return unknown
        source = StoredSource(len(self._tables.sources) + 1, claim.key, claim.first_offset)
        self._tables.sources.append(source)
        return source

    def release(self, positions: Sequence[Position]) -> None:
        """Release these sources, unless they have a newer epoch."""
        self._live("release")
        for position in positions:
            source = self._tables.sources[position.source_id - 1]
            if source.epoch == position.epoch:
                source.owner = None

    def set_error(self, key: SourceKey, message: str) -> None:
        """Record on the source why its pipeline stopped."""
        self._live("set_error")
        for source in self._sources(key.dataset_id, key.topic):
            if source.key.partition == key.partition:
                source.last_error = message

    def record_attempt(self, position: Position, *, records: int) -> None:
        """Record that this many records from the position on are being processed."""
        self._live("record_attempt")
        source = self._tables.sources[position.source_id - 1]
        if source.epoch != position.epoch:
            raise Fenced(f"another worker owns {position.key.topic_partition}")
        last = source.attempt
        same = last is not None and (last.offset, last.records) == (position.next_offset, records)
        source.attempt = Attempt(position.next_offset, records, last.times + 1 if last and same else 1)

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Record on every source of the dataset why it is not read, and release the ones owned here."""
        self._live("set_unreadable")
        for source in self._tables.sources:
            if source.key.dataset_id == dataset_id and source.owner in {None, self}:
                source.owner, source.last_error = None, message

    def advance(self, ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
        """Advance these positions past offsets without records, and return the ids of the advanced sources."""
        self._live("advance")
        moved = set()
        for position, end in ends:
            source = self._tables.sources[position.source_id - 1]
            if source.epoch == position.epoch and source.next_offset <= end.offset:
                source.next_offset, source.leader_epoch = end
                moved.add(source.id)
        return moved

    def set_refusal(self, dataset_id: int, topic: str, message: str) -> bool:
        """Record on every source of an unreadable topic why, creating a source if needed."""
        self._live("set_refusal")
        unknown = SourceClaim(SourceKey(dataset_id, topic, "", 0), 0)
        present = self._sources(dataset_id, topic) or [self._make(unknown)]
        for source in present:
            source.last_error = message
        return any(source.key.topic_id for source in present)

    def batch_ids(self, count: int) -> list[int]:
        """New batch ids for the ledger."""
        self._live("batch_ids")
        self._tables.last_id += count
        return list(range(self._tables.last_id - count + 1, self._tables.last_id + 1))

    def ensure_months(self, dataset_id: int, first: datetime.date, last: datetime.date) -> None:
        """Create the dataset's monthly partitions from the first to the last day."""
        self._live("ensure_months")
        month = month_start(first)
        while month <= last:
            self._tables.months[dataset_id].add(month)
            month = month_start(month, shift=1)

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions."""
        self._live("ensure_days")
        self._tables.days = True

    def open(self, target: TargetTable) -> None:
        """Begin a batch."""
        self._live("open")
        self._target, self._rows = target, []

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows to the open batch."""
        self._live("write")
        self._rows += rows

    def finish(self) -> None:
        """Validate the rows of the open batch."""
        self._live("finish")
        if self._target is None:
            raise RetriableStoreError("no batch is open")
        self._judge(self._target, self._rows)

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Begin a batch with the valid rows, and return the others with their errors."""
        self._live("bisect")
        self._target, self._rows = target, []

        def store(part: Sequence[Row]) -> None:
            self._judge(target, part)
            self._rows += part

        return bisect_refused(rows, store)

    def commit(self, target: TargetTable, parts: Sequence[SourceBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions."""
        self._live("commit")
        if not self._tables.days:
            raise PartitionMissing("no day of the ledger")
        sources = [self._tables.sources[part.position.source_id - 1] for part in parts]
        if any(source.epoch != part.position.epoch for source, part in zip(sources, parts, strict=True)):
            raise Fenced("another worker owns one of the sources")
        for source, part in zip(sources, parts, strict=True):
            source.next_offset, source.max_at_ms = part.next_offset, part.max_at_ms
            source.leader_epoch = part.leader_epoch
            self._tables.ledger.append(ledger_entry(target, part, self._worker))
            self._tables.rejects += [(source.id, reject.record.offset() or 0, copy(reject)) for reject in part.rejects]
        for row in self._rows:
            self._put(target, row)
        self.reset()
        # A fault here is a connection lost in COMMIT: committed, but unacknowledged.
        self._tables.fault("committed")

    def reset(self) -> None:
        """Roll back the open batch."""
        self._target, self._rows = None, []
        self.ended = False

    def close(self) -> None:
        """End the session."""
        self.reset()

    def _live(self, method: str) -> None:
        if self.ended:
            raise RetriableStoreError("the session was ended by an administrator")
        self._tables.fault(method)

    def _judge(self, target: TargetTable, rows: Sequence[Row]) -> None:
        stored = self._tables.rows[target.dataset_id]
        event = target.contract.event_time
        for number, row in enumerate(rows):
            if refusal := self._tables.refuses(row):
                refusal.row = number
                raise refusal
            if event is not None:
                time = row[target.decoder.columns.index(event)]
                if month_start(time) not in self._tables.months[target.dataset_id]:
                    raise PartitionMissing(f"no partition for {time}")
            if target.contract.mode is WriteMode.APPEND and self._key(target, row) in stored:
                raise DuplicateCoordinates(f"the table already holds rows of these coordinates: {row}")

    def _key(self, target: TargetTable, row: Row) -> tuple[Any, ...]:
        source = target.decoder.source_index
        if target.contract.mode is WriteMode.APPEND:
            return row[source : source + 2]
        return tuple(row[target.decoder.columns.index(name)] for name in target.contract.key)

    def _put(self, target: TargetTable, row: Row) -> None:
        stored, key = self._tables.rows[target.dataset_id], self._key(target, row)
        if (
            target.contract.mode is WriteMode.APPEND
            or key not in stored
            or _rank(target, row) > _rank(target, stored[key])
        ):
            stored[key] = row


def _rank(target: TargetTable, row: Row) -> tuple[Any, ...]:
    source = target.decoder.source_index
    return row[source + 3], row[source], row[source + 1]
