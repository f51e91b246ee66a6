"""The ports of ingest: a consumer, its topics, and a store. tests/fakes has a fake of each."""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from apps.datasets.core.contract.contract import Contract
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.errors import IngestError, RecordRefused
from apps.ingest.core.records import (
    ConsumerRecord,
    GroupMember,
    OffsetAndEpoch,
    OffsetRanges,
    PollResult,
    Position,
    Row,
    SourceBatch,
    SourceKey,
    TopicPartition,
    TopicStates,
)


class Clock(Protocol):
    """The current time; tests supply a fake."""

    def monotonic_s(self) -> float:
        """Monotonic seconds."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""


class RebalanceListener(Protocol):
    """Receives assigned and revoked partitions, called inside `GroupConsumer.poll`. Never raises."""

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """The group assigned these: call `GroupConsumer.assign` or `GroupConsumer.assign_paused` for each."""

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """The group revokes these: commit and release them."""


class GroupConsumer(Protocol):
    """One member of a consumer group."""

    def subscribe(self, topics: Collection[str], assignments: RebalanceListener) -> None:
        """Subscribe to exactly these topics, shared with the other members of the group."""

    def poll(self, count: int, timeout_s: float) -> PollResult:
        """At most `count` records that arrive within the timeout.

        Raises BrokerRefused: the client's settings or permissions are wrong.
        """

    def assign(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Inside on_assign: read each of these partitions from its offset."""

    def assign_paused(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside on_assign: accept these partitions, but read nothing until `seek`."""

    def seek(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Resume these partitions at these offsets, provided that the log still matches the leader epochs."""

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Read nothing from these partitions until `seek`; discard what is prefetched."""

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the next offsets to Kafka, for lag tools only; ignore failures."""

    def last_error(self) -> str:
        """Why Kafka does not respond, "" if it does."""

    def close(self) -> None:
        """Leave the group, which revokes all assigned partitions."""


class TopicAdmin(Protocol):
    """Kafka's metadata of topics."""

    def states(self, names: Collection[str]) -> TopicStates:
        """The states of these topics. Raises BrokerUnavailable, BrokerRefused: all are unknown."""

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        """The first and end offset of each partition. Raises BrokerUnavailable, BrokerRefused."""


class PartitionEnds(Protocol):
    """What lies beyond the offsets that consumers of committed records reach."""

    def high_watermarks(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The end of each partition, open transactions included; without those that fail.

        Raises BrokerUnavailable, BrokerRefused.
        """

    def written_s(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        """The timestamp of the record at each offset, seconds since 1970; without those not found in time.

        Never raises.
        """


class ConsumerGroup(Protocol):
    """The consumer group of the workers."""

    def members(self) -> Sequence[GroupMember]:
        """The current members. Raises BrokerUnavailable. Raises BrokerRefused: we may not describe the group."""


@dataclass(frozen=True, slots=True)
class TargetTable:
    """The table that a batch is written to."""

    dataset_id: int
    name: str
    contract_version: int
    decoder: Decoder

    @property
    def contract(self) -> Contract:
        """The table's contract."""
        return self.decoder.contract


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """A worker's claim: the source, the offset to start at by default, and the epoch that the worker last held."""

    key: SourceKey
    first_offset: int
    known_epoch: int | None = None


@dataclass(slots=True)
class DatasetBatch:
    """The share of one dataset in a batch: the records still to decode, and what became of the others, by source."""

    target: TargetTable
    pending: dict[int, tuple[Position, list[ConsumerRecord]]] = field(default_factory=dict)
    pending_count: int = 0
    source_batches: dict[int, SourceBatch] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    """How many rows of each source the store has."""
    fault: Exception | None = None
    """Why decoding ended early; the records before are in `source_batches`."""

    @property
    def dataset_id(self) -> int:
        """The dataset's id."""
        return self.target.dataset_id

    def unwritten(self) -> list[Row]:
        """The rows that the store does not have yet."""
        return [
            row
            for source_id, batch in self.source_batches.items()
            for row in batch.rows[self.written.get(source_id, 0) :]
        ]

    def set_written(self) -> None:
        """Count every row as written."""
        self.written = {source_id: len(batch.rows) for source_id, batch in self.source_batches.items()}


class Store(Protocol):
    """Stores rows, rejects, ledger and positions in one transaction; one open batch at a time.

    Every method raises RetriableStoreError: nothing was committed, call `reset` and claim again. `current_target` is
    the dataset that the last statement was about, None for statements about all.
    """

    @property
    def current_target(self) -> TargetTable | None:
        """The dataset of the last error, None if it concerns the entire batch."""

    def claim(self, claims: Sequence[SourceClaim]) -> list[Position | IngestError]:
        """The positions of these sources, now owned by this worker under new epochs, or why one cannot be claimed.

        Terminates the sessions of previous owners that still exist. Fenced: another worker holds a newer epoch than
        the known one. TopicRecreated: the stored topic id differs. RetriableStoreError: try again later.
        """

    def release(self, positions: Sequence[Position]) -> None:
        """Clear the owner of these positions, except where the epoch is newer."""

    def advance(self, ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
        """Move these positions past transaction markers; return the ids of the sources that moved.

        Another worker owns the others. Writes no ledger entry, as no record was stored.
        """

    def set_error(self, key: SourceKey, message: str) -> None:
        """Store the error that stopped the source's pipeline."""

    def record_attempts(self, attempts: Sequence[tuple[Position, int, int]]) -> None:
        """Store, before this process may crash, what it processes: (position, first offset, number of records).

        Raises Fenced.
        """

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Store for every source of the dataset why it cannot be read, and release those that we own."""

    def set_refusal(self, dataset_id: int, topic: str, message: str) -> bool:
        """Store for every source of a topic why it cannot be read; create a source if none exists.

        Returns whether the topic was ever read.
        """

    def reserve_ids(self, count: int) -> None:
        """Make this many new ids for the ledger available to `batch_id`."""

    def batch_id(self) -> int:
        """A reserved id for the ledger."""

    def ensure_months(
        self, target: TargetTable, first: datetime.date, last: datetime.date, *, lock_timeout_ms: int
    ) -> None:
        """Create the dataset's monthly partitions from `first` to `last`, in a separate transaction.

        An open batch stays open. Raises what `write` raises.
        """

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions for today and a week ahead, in a separate transaction."""

    def open(self, *, lock_timeout_ms: int) -> None:
        """Start a batch. Statements that wait for a table's lock for longer raise TableUnavailable."""

    def write(self, target: TargetTable, rows: Sequence[Row]) -> None:
        """Add a dataset's rows to the open batch.

        Raises RecordRefused: call `reset`, then `bisect`. Raises PartitionMissing: call `reset`, create the partition,
        start again. Raises DuplicateCoordinates, StaleContract, TableUnavailable. `current_target` may be the dataset
        written before.
        """

    def finish(self) -> None:
        """Have PostgreSQL validate the rows of the open batch. Raises what `write` raises."""

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Add the rows that PostgreSQL accepts to the open batch; return the others, each with its error."""

    def commit(self, parts: Sequence[DatasetBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions.

        Raises Fenced: another worker owns some of the sources. Raises PartitionMissing: a ledger day is missing.
        Raises RecordRefused: the quarantine or the ledger rejects a row.
        """

    def reset(self) -> None:
        """Roll back the open batch. Never raises."""

    def close(self) -> None:
        """End the session. Never raises."""
