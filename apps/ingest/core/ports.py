"""The ports of ingest: a consumer, its topics, and a store. tests/fakes has a fake of each."""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.datasets.core.contract.contract import Contract
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.errors import RecordRefused
from apps.ingest.core.records import (
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


class Store(Protocol):
    """Stores rows, rejects, ledger and positions in one transaction; one open batch at a time.

    Every method raises RetriableStoreError: nothing was committed, call `reset` and claim again.
    """

    def claim(self, claim: SourceClaim) -> Position:
        """The position of a source, now owned by this worker under a new epoch.

        Terminates the previous owner's session if it still exists. Raises Fenced: another worker holds a newer epoch
        than the known one. Raises TopicRecreated: the stored topic id differs.
        """

    def release(self, positions: Sequence[Position]) -> None:
        """Clear the owner of these positions, except where the epoch is newer."""

    def advance(self, ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
        """Move these positions past transaction markers; return the ids of the sources that moved.

        Another worker owns the others. Writes no ledger entry, as no record was stored.
        """

    def set_error(self, key: SourceKey, message: str) -> None:
        """Store the error that stopped the source's pipeline."""

    def record_attempt(self, position: Position, *, records: int) -> None:
        """Store, before this process may crash, that it processes so many records from the position on."""

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Store for every source of the dataset why it cannot be read, and release those that we own."""

    def set_refusal(self, dataset_id: int, topic: str, message: str) -> bool:
        """Store for every source of a topic why it cannot be read; create a source if none exists.

        Returns whether the topic was ever read.
        """

    def batch_ids(self, count: int) -> list[int]:
        """New ids for the ledger."""

    def ensure_months(self, dataset_id: int, first: datetime.date, last: datetime.date) -> None:
        """Create the dataset's monthly partitions from `first` to `last`, in a separate transaction."""

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions for today and a week ahead, in a separate transaction."""

    def open(self, target: TargetTable) -> None:
        """Start a batch."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows to the open batch."""

    def finish(self) -> None:
        """Have PostgreSQL validate the rows of the open batch.

        Raises RecordRefused: call `reset`, then `bisect`. Raises PartitionMissing: call `reset`, create the partition,
        start again. Raises DuplicateCoordinates, StaleContract.
        """

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Start a batch with the rows that PostgreSQL accepts; return the others, each with its error."""

    def commit(self, target: TargetTable, batches: Sequence[SourceBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions.

        Raises Fenced: another worker owns one of the sources. Raises PartitionMissing: a ledger day is missing.
        """

    def reset(self) -> None:
        """Roll back the open batch. Never raises."""

    def close(self) -> None:
        """End the session. Never raises."""
