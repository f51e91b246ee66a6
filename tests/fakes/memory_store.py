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
from apps.ingest.adapters.postgres_store import ledger_entries
from apps.ingest.core.bisection import bisect_refused
from apps.ingest.core.errors import (
    DuplicateCoordinates,
    Fenced,
    IngestError,
    PartitionMissing,
    RecordRefused,
    RetriableStoreError,
    TopicRecreated,
)
from apps.ingest.core.ports import DatasetBatch, SourceClaim, TargetTable
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, Reject, Row, SourceKey
from tests.bulk_rows import with_decimals


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
    locked: dict[int, Exception] = field(default_factory=dict)
    """Datasets whose table cannot be written, and the error."""
    commits: list[list[str]] = field(default_factory=list)
    """The datasets of each transaction."""
    last_id: int = 0

    def fault(self, method: str) -> None:
        """Raise the next fault if it is for this method."""
        if self.faults and self.faults[0][0] == method:
            raise self.faults.pop(0)[1]


IDLE = {
    *("open", "ensure_days", "release", "advance"),
    *("record_attempts", "set_error", "set_refusal", "set_unreadable"),
}
"""The methods that need a store without an open batch."""


class MemoryStore:
    """The session of one worker; `ended` once a successor has fenced it."""

    def __init__(self, tables: MemoryTables, *, worker: str = "memory") -> None:
        self._tables = tables
        self._worker = worker
        self._target: TargetTable | None = None
        self._rows: dict[int, tuple[TargetTable, list[Row]]] = {}
        self._is_open = False
        self._ids: list[int] = []
        self.ended = False

    @property
    def current_target(self) -> TargetTable | None:
        """The dataset that the last statement was about."""
        return self._target

    def claim(self, claims: Sequence[SourceClaim]) -> list[Position | IngestError]:
        """The positions of these sources, claimed by this worker, or why one cannot be claimed."""
        self._tables.fault("claim")
        claimed: list[Position | IngestError] = []
        for claim in claims:
            try:
                claimed.append(self._claim(claim))
            except (Fenced, TopicRecreated) as error:
                claimed.append(error)
        return claimed

    def _claim(self, claim: SourceClaim) -> Position:
        key = claim.key
        lives = {source.key.topic_id for source in self._sources(key.dataset_id, key.topic)} - {""}
        if lives and key.topic_id not in lives:
            raise TopicRecreated(f"the topic {key.topic} was deleted and created again")
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

    def record_attempts(self, attempts: Sequence[tuple[Position, int, int]]) -> None:
        """Record how many records from each position on are being processed."""
        self._live("record_attempts")
        for position, offset, records in attempts:
            source = self._tables.sources[position.source_id - 1]
            if source.epoch != position.epoch:
                raise Fenced(f"another worker owns {position.key.topic_partition}", source_ids=[source.id])
            last = source.attempt
            same = last is not None and (last.offset, last.records) == (offset, records)
            source.attempt = Attempt(offset, records, last.times + 1 if last and same else 1)

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

    def reserve_ids(self, count: int) -> None:
        """Make new batch ids available."""
        self._live("reserve_ids")
        self._ids = list(range(self._tables.last_id + 1, self._tables.last_id + count + 1))
        self._tables.last_id += count

    def batch_id(self) -> int:
        """A reserved batch id."""
        return self._ids.pop(0)

    def ensure_months(
        self, target: TargetTable, first: datetime.date, last: datetime.date, *, lock_timeout_ms: int
    ) -> None:
        """Create the dataset's monthly partitions from the first to the last day."""
        assert lock_timeout_ms > 0
        self._target = target
        self._live("ensure_months")
        if (pause := self._tables.locked.get(target.dataset_id)) is not None:
            raise pause
        month = month_start(first)
        while month <= last:
            self._tables.months[target.dataset_id].add(month)
            month = month_start(month, shift=1)

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions."""
        self._live("ensure_days")
        self._tables.days = True

    def open(self, *, lock_timeout_ms: int) -> None:
        """Begin a batch."""
        self._live("open")
        self._rows = {}
        self._is_open = lock_timeout_ms > 0

    def write(self, target: TargetTable, rows: Sequence[Row]) -> None:
        """Add rows to the open batch."""
        self._target = target
        self._live("write")
        if not self._is_open:
            raise RetriableStoreError("no batch is open")
        if (pause := self._tables.locked.get(target.dataset_id)) is not None:
            raise pause
        self._rows.setdefault(target.dataset_id, (target, []))[1].extend(rows)

    def finish(self) -> None:
        """Validate the rows of the open batch."""
        self._live("finish")
        for target, rows in self._rows.values():
            self._target = target
            self._judge(target, rows)
        self._target = None

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Add the valid rows to the open batch, and return the others with their errors."""
        self._target = target
        self._live("bisect")
        if (pause := self._tables.locked.get(target.dataset_id)) is not None:
            raise pause
        accepted = self._rows.setdefault(target.dataset_id, (target, []))[1]

        def store(part: Sequence[Row]) -> None:
            self._judge(target, part)
            accepted.extend(part)

        return bisect_refused(rows, store, most=500)

    def commit(self, parts: Sequence[DatasetBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions."""
        self._target = None
        self._live("commit")
        if not self._tables.days:
            raise PartitionMissing("no day of the ledger")
        batches = [batch for part in parts for batch in part.source_batches.values()]
        stale = [
            batch.position.source_id
            for batch in batches
            if self._tables.sources[batch.position.source_id - 1].epoch != batch.position.epoch
        ]
        if stale:
            raise Fenced("another worker owns one of the sources", source_ids=stale)
        for batch in batches:
            source = self._tables.sources[batch.position.source_id - 1]
            source.next_offset, source.max_at_ms = batch.next_offset, batch.max_at_ms
            source.leader_epoch = batch.leader_epoch
            self._tables.rejects += [
                (source.id, reject.record.offset() or 0, copy(reject)) for reject in batch.rejects
            ]
        self._tables.commits.append([part.target.name for part in parts])
        self._tables.ledger += [entry for part in parts for entry in ledger_entries(part, self._worker)]
        for target, rows in self._rows.values():
            for row in rows:
                self._put(target, row)
        self.reset()
        # A fault here is a connection lost in COMMIT: committed, but unacknowledged.
        self._tables.fault("committed")

    def reset(self) -> None:
        """Roll back the open batch."""
        self._target, self._rows, self._is_open = None, {}, False
        self.ended = False

    def close(self) -> None:
        """End the session."""
        self.reset()

    def _live(self, method: str) -> None:
        if self.ended:
            raise RetriableStoreError("the session was ended by an administrator")
        if self._is_open and method in IDLE:
            raise RetriableStoreError("a batch is unexpectedly open")
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
        row = with_decimals(row, target.decoder.wires)
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
