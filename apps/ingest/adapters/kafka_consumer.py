"""A member of the workers' consumer group, by confluent-kafka."""

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

# Called from C: the loop over the records is the hot one.
_ERROR: Final = methodcaller("error")
_SEEK_TRIES: Final = 100
_SEEK_PAUSE_S: Final = 0.01


class KafkaConsumer:
    """One consumer; partitions come and go one by one (cooperative), offsets are always ours."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._last_error = ""
        self._refusal = ""
        self._consumer = Consumer({**config, "error_cb": self._note})
        self._subscribed: frozenset[str] = frozenset()

    def subscribe(self, topics: Collection[str], assignments: RebalanceListener) -> None:
        """Share these topics, and no others, with the other members of the group."""
        if frozenset(topics) == self._subscribed:
            return
        self._subscribed = frozenset(topics)
        if not topics:
            self._consumer.unsubscribe()
            return

        def assigned(_consumer: Consumer, partitions: list[KafkaPartition]) -> None:
            assignments.on_assign([_ours(partition) for partition in partitions])

        def revoked(_consumer: Consumer, partitions: list[KafkaPartition]) -> None:
            assignments.on_revoke([_ours(partition) for partition in partitions])
            self._consumer.incremental_unassign(partitions)

        self._consumer.subscribe(sorted(topics), on_assign=assigned, on_revoke=revoked, on_lost=revoked)

    def poll(self, count: int, timeout_s: float) -> PollResult:
        """At most `count` records, those that came until the time was over."""
        messages = self._consumer.consume(count, timeout_s)
        if self._refusal:
            refusal, self._refusal = self._refusal, ""
            raise BrokerRefused(refusal)
        if not any(map(_ERROR, messages)):
            self._last_error = "" if messages else self._last_error
            return PollResult(grouped(messages))
        return self._sorted_out(messages)

    def assign(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Inside of on_assign: read these partitions, each from its offset."""
        places = [_theirs(place, *offset) for place, offset in offsets.items()]
        self._consumer.incremental_assign(places)
        self._verify(places)

    def assign_paused(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside of on_assign: take these partitions and read nothing until `seek`."""
        held = [_theirs(place, 0) for place in partitions]
        self._consumer.incremental_assign(held)
        self._consumer.pause(held)

    def seek(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Go on reading these partitions from these offsets, if the log before them still is the one of the epoch."""
        places = [_theirs(place, *offset) for place, offset in offsets.items()]
        if not places:
            return
        # Assigned anew: unlike a seek it never waits for a broker, and throws away all that was fetched.
        try:
            # A pause outlives the assignment that it was made in.
            self._consumer.resume(places)
            self._consumer.incremental_unassign(places)
            self._consumer.incremental_assign(places)
            self._verify(places)
        except KafkaException as error:
            raise BrokerUnavailable(f"Kafka's client would not start at the stored offsets: {error}") from error

    def _verify(self, places: Sequence[KafkaPartition]) -> None:
        """Have Kafka compare the epochs with its log: of an assignment the client asks only while it is new to it.

        The seek waits for no broker; whether the log fits is said by a later poll.
        """
        for place in places:
            if place.leader_epoch is None or place.offset <= 0:
                continue
            for _ in range(_SEEK_TRIES - 1):
                try:
                    self._consumer.seek(place)
                    break
                except KafkaException as error:
                    if cause(error).code() != KafkaError._STATE:  # noqa: SLF001
                        raise
                    # The client has not begun with the assignment yet.
                    time.sleep(_SEEK_PAUSE_S)
            else:
                self._consumer.seek(place)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Read nothing from these partitions until `seek`."""
        places = [_theirs(place) for place in partitions]
        if places:
            self._consumer.pause(places)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell Kafka the next offsets, for lag tools only; a failure is nobody's trouble."""
        places = [_theirs(place, offset) for place, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            self._last_error = str(error)

    def last_error(self) -> str:
        """Why Kafka does not answer, "" when it does."""
        return self._last_error

    def close(self) -> None:
        """Leave the group; revokes what is assigned."""
        self._consumer.close()

    def _note(self, error: KafkaError) -> None:
        self._refusal = process_refusal(error.code(), error.str()) or self._refusal
        self._last_error = error.str()

    def _sorted_out(self, messages: Sequence[Message]) -> PollResult:
        """Records, and what errors among them say of single partitions and topics."""
        sound: list[Message] = []
        ended: dict[TopicPartition, int] = {}
        lost: dict[TopicPartition, str] = {}
        refused: dict[str, str] = {}
        for message in messages:
            error, place = message.error(), TopicPartition(*_place(message))
            if error is None:
                ended.pop(place, None)
                sound.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                self._last_error = ""
                ended[place] = message.offset() or 0
            elif error.code() in LOST:
                lost[place] = error.str()
            elif reason := topic_refusal(place.topic, error.code()):
                refused[place.topic] = reason
            else:
                self._note(error)
        return PollResult(grouped(sound), ended, lost, refused)


def grouped(messages: Sequence[ConsumerRecord]) -> dict[TopicPartition, list[ConsumerRecord]]:
    """The records by partition; a fetch brings long runs of one, so that few groups are joined.

    By topic in any case: what was fetched of a topic can still arrive when its subscription has ended.
    """
    groups: dict[TopicPartition, list[ConsumerRecord]] = {}
    for key, run in groupby(messages, _place):
        place, records = TopicPartition(*key), list(run)
        groups[place] = groups[place] + records if place in groups else records
    return groups


def _place(message: ConsumerRecord) -> tuple[str, int]:
    # A plain tuple: it is made for every record.
    return message.topic() or "", message.partition() or 0


def _ours(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _theirs(place: TopicPartition, offset: int | None = None, leader_epoch: int | None = None) -> KafkaPartition:
    if offset is None:
        return KafkaPartition(place.topic, place.partition)
    if leader_epoch is None:
        return KafkaPartition(place.topic, place.partition, offset)
    return KafkaPartition(place.topic, place.partition, offset, leader_epoch=leader_epoch)
