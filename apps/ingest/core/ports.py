"""What ingest asks of the outside: a broker, its topics, and a store. Fakes ship beside the adapters."""

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
    """Who is told that partitions come and go; called inside of `GroupConsumer.poll`, and never raises."""

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """These are ours from now on: `GroupConsumer.assign` or `GroupConsumer.assign_paused` each of them."""

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """These go: commit and let go."""


class GroupConsumer(Protocol):
    """One member of a consumer group."""

    def subscribe(self, topics: Collection[str], assignments: RebalanceListener) -> None:
        """Share these topics, and no others, with the other members of the group."""

    def poll(self, count: int, timeout_s: float) -> PollResult:
        """At most `count` records, those that came until the time was over.

        Raises BrokerRefused: the client's settings or rights are wrong.
        """

    def assign(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Inside of on_assign: read these partitions, each from its offset."""

    def assign_paused(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside of on_assign: take these partitions and read nothing until `seek`."""

    def seek(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Go on reading these partitions from these offsets, if the log before them still is the one of the epoch."""

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Read nothing from these partitions until `seek`; what was fetched already is thrown away."""

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell Kafka the next offsets, for lag tools only; a failure is nobody's trouble."""

    def last_error(self) -> str:
        """Why Kafka does not answer, "" when it does."""

    def close(self) -> None:
        """Leave the group; revokes what is assigned."""


class TopicAdmin(Protocol):
    """What Kafka knows of topics."""

    def states(self, names: Collection[str]) -> TopicStates:
        """The topics of these names. Raises BrokerUnavailable, BrokerRefused: nothing is known of any."""

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        """Where each partition begins and ends. Raises BrokerUnavailable, BrokerRefused."""


class ConsumerGroup(Protocol):
    """The consumer group of the workers."""

    def members(self) -> Sequence[GroupMember]:
        """Who is in it now. Raises BrokerUnavailable. Raises BrokerRefused: we may not know."""


@dataclass(frozen=True, slots=True)
class TargetTable:
    """The table that a batch goes to."""

    dataset_id: int
    name: str
    contract_version: int
    decoder: Decoder

    @property
    def contract(self) -> Contract:
        """The contract of the table."""
        return self.decoder.contract


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """What a worker asks for: a source, where to start when nothing is stored, and the epoch it held."""

    key: SourceKey
    first_offset: int
    known_epoch: int | None = None


class Store(Protocol):
    """Where rows, rejects, ledger and positions change together; one open batch at a time.

    Every method raises RetriableStoreError: nothing was committed, `reset` and claim again.
    """

    def claim(self, claim: SourceClaim) -> Position:
        """The position of a source, now owned by this worker under a new epoch.

        The session of a former owner that is still set is ended first. Raises Fenced: somebody else holds a
        newer epoch than the known one. Raises TopicRecreated: the stored topic id is another.
        """

    def release(self, positions: Sequence[Position]) -> None:
        """Say that nobody owns these any more; a newer epoch is left alone."""

    def advance(self, ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
        """Move these positions, behind which no record is left to store, and say the ids of the sources that moved.

        The others have another owner by now. No ledger entry: no record went into the table.
        """

    def set_error(self, key: SourceKey, message: str) -> None:
        """Write beside the source why its pipeline is stopped."""

    def record_attempt(self, position: Position, *, records: int) -> None:
        """Note that so many records from the position on are taken up, whatever becomes of this process."""

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Write beside every source of the dataset why nobody reads it, and let go of those that we own."""

    def set_refusal(self, dataset_id: int, topic: str, message: str) -> bool:
        """Write beside every source of a topic that cannot be read why, or beside one to come where there is none.

        Whether the topic was ever read.
        """

    def batch_ids(self, count: int) -> list[int]:
        """Fresh ids for the ledger."""

    def ensure_months(self, dataset_id: int, first: datetime.date, last: datetime.date) -> None:
        """Make the months of the dataset from the first to the last day's, in a transaction of its own."""

    def ensure_days(self) -> None:
        """Make the ledger's days, today and a week ahead, in a transaction of its own."""

    def open(self, target: TargetTable) -> None:
        """Begin a batch."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows to the open batch."""

    def finish(self) -> None:
        """Have PostgreSQL judge the rows of the open batch.

        Raises RecordRefused: `reset`, then `bisect`. Raises PartitionMissing: `reset`, make it, begin again.
        Raises DuplicateCoordinates, ContractChanged.
        """

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Begin a batch with those of these rows that PostgreSQL takes; the others, each with its error."""

    def commit(self, target: TargetTable, parts: Sequence[SourceBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions.

        Raises Fenced: an epoch is not ours any more. Raises PartitionMissing: a day of the ledger.
        """

    def reset(self) -> None:
        """Roll back what is open. Never raises."""

    def close(self) -> None:
        """End the session. Never raises."""
