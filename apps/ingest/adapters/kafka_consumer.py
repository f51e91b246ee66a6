"""A member of the workers' consumer group, with confluent-kafka."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import methodcaller
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from apps.ingest.adapters.kafka_errors import LOST, cause, process_refusal, topic_refusal
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable
from apps.ingest.core.ports import RebalanceListener
from apps.ingest.core.records import ConsumerRecord, OffsetAndEpoch, PollResult, TopicPartition

# Called from C, because this loop over all records is hot.
_ERROR: Final = methodcaller("error")
_SEEK_TRIES: Final = 100
_SEEK_PAUSE_S: Final = 0.01


class KafkaConsumer:
    """A consumer with cooperative rebalancing and externally stored offsets."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._last_error = ""
        self._refusal = ""
        self._consumer = Consumer({**config, "error_cb": self._record_error})
        self._subscribed: frozenset[str] = frozenset()

    def subscribe(self, topics: Collection[str], assignments: RebalanceListener) -> None:
        """Subscribe to exactly these topics, shared with the other members of the group."""
        if frozenset(topics) == self._subscribed:
            return
        self._subscribed = frozenset(topics)
        if not topics:
            self._consumer.unsubscribe()
            return

        def assigned(_consumer: Consumer, partitions: list[KafkaPartition]) -> None:
            assignments.on_assign([_from_kafka(partition) for partition in partitions])

        def revoked(_consumer: Consumer, partitions: list[KafkaPartition]) -> None:
            assignments.on_revoke([_from_kafka(partition) for partition in partitions])
            self._consumer.incremental_unassign(partitions)

        self._consumer.subscribe(sorted(topics), on_assign=assigned, on_revoke=revoked, on_lost=revoked)

    def poll(self, count: int, timeout_s: float) -> PollResult:
        """At most `count` records that arrive within the timeout."""
        messages = self._consumer.consume(count, timeout_s)
        if self._refusal:
            refusal, self._refusal = self._refusal, ""
            raise BrokerRefused(refusal)
        if not any(map(_ERROR, messages)):
            self._last_error = "" if messages else self._last_error
            return PollResult(grouped(messages))
        return self._separate(messages)

    def assign(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Inside on_assign: read each of these partitions from its offset."""
        kafka_partitions = [_to_kafka(partition, *offset) for partition, offset in offsets.items()]
        self._consumer.incremental_assign(kafka_partitions)
        self._verify(kafka_partitions)

    def assign_paused(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside on_assign: accept these partitions, but read nothing until `seek`."""
        held = [_to_kafka(partition, 0) for partition in partitions]
        self._consumer.incremental_assign(held)
        self._consumer.pause(held)

    def seek(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Resume these partitions at these offsets, provided that the log still matches the leader epochs."""
        kafka_partitions = [_to_kafka(partition, *offset) for partition, offset in offsets.items()]
        if not kafka_partitions:
            return
        # Reassigned, because unlike a seek this never waits for a broker and discards the prefetch.
        try:
            # A pause outlives its assignment.
            self._consumer.resume(kafka_partitions)
            self._consumer.incremental_unassign(kafka_partitions)
            self._consumer.incremental_assign(kafka_partitions)
            self._verify(kafka_partitions)
        except KafkaException as error:
            raise BrokerUnavailable(f"the Kafka client cannot start at the stored offsets: {error}") from error

    def _verify(self, kafka_partitions: Sequence[KafkaPartition]) -> None:
        """Have Kafka validate the leader epochs against its log, which an assignment alone does not trigger.

        The seek does not wait for a broker; a later poll reports a mismatch.
        """
        for partition in kafka_partitions:
            if partition.leader_epoch is None or partition.offset <= 0:
                continue
            for _ in range(_SEEK_TRIES - 1):
                try:
                    self._consumer.seek(partition)
                    break
                except KafkaException as error:
                    if cause(error).code() != KafkaError._STATE:  # noqa: SLF001
                        raise
                    # The client has not processed the assignment yet.
                    time.sleep(_SEEK_PAUSE_S)
            else:
                self._consumer.seek(partition)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Read nothing from these partitions until `seek`."""
        kafka_partitions = [_to_kafka(partition) for partition in partitions]
        if kafka_partitions:
            self._consumer.pause(kafka_partitions)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the next offsets to Kafka, for lag tools only; ignore failures."""
        kafka_partitions = [_to_kafka(partition, offset) for partition, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=kafka_partitions, asynchronous=True)
        except KafkaException as error:
            self._last_error = str(error)

    def last_error(self) -> str:
        """Why Kafka does not respond, "" if it does."""
        return self._last_error

    def close(self) -> None:
        """Leave the group, which revokes all assigned partitions."""
        self._consumer.close()

    def _record_error(self, error: KafkaError) -> None:
        self._refusal = process_refusal(error.code(), error.str()) or self._refusal
        self._last_error = error.str()

    def _separate(self, messages: Sequence[Message]) -> PollResult:
        """Separate records from errors about single partitions and topics."""
        records = grouped([message for message in messages if message.error() is None])
        ended: dict[TopicPartition, int] = {}
        lost: dict[TopicPartition, str] = {}
        refused: dict[str, str] = {}
        for message in filter(_ERROR, messages):
            error, partition = message.error(), TopicPartition(*_key(message))
            if error is None:
                continue
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                self._last_error = ""
                ended[partition] = message.offset() or 0
            elif error.code() in LOST:
                lost[partition] = error.str()
            elif reason := topic_refusal(partition.topic, error.code()):
                refused[partition.topic] = reason
            else:
                self._record_error(error)
        # Without those to which a record was added since.
        ended = {
            partition: end
            for partition, end in ended.items()
            if partition not in records or (records[partition][-1].offset() or 0) < end
        }
        return PollResult(records, ended, lost, refused)


def grouped(messages: Sequence[ConsumerRecord]) -> dict[TopicPartition, list[ConsumerRecord]]:
    """The records by partition. A fetch returns long runs of one partition, so groups are rarely merged.

    The key includes the topic, because prefetched records can arrive after their topic's subscription has ended.
    """
    groups: dict[TopicPartition, list[ConsumerRecord]] = {}
    for key, run in groupby(messages, _key):
        partition, records = TopicPartition(*key), list(run)
        groups[partition] = groups[partition] + records if partition in groups else records
    return groups


def _key(message: ConsumerRecord) -> tuple[str, int]:
    # A plain tuple, because it is created for every record.
    return message.topic() or "", message.partition() or 0


def _from_kafka(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _to_kafka(partition: TopicPartition, offset: int | None = None, leader_epoch: int | None = None) -> KafkaPartition:
    if offset is None:
        return KafkaPartition(partition.topic, partition.partition)
    if leader_epoch is None:
        return KafkaPartition(partition.topic, partition.partition, offset)
    return KafkaPartition(partition.topic, partition.partition, offset, leader_epoch=leader_epoch)
