"""A member of the workers' consumer group, by confluent-kafka."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import methodcaller
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable
from apps.ingest.core.ports import Assignments
from apps.ingest.core.records import Arrivals, Record, TopicPartition

LOST: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})  # noqa: SLF001
REFUSED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_SEEK_TIMEOUT_S: Final = 5.0


# Accessors called from C: the loop over the records is the hot one.
_ERROR: Final = methodcaller("error")
_PARTITION: Final = methodcaller("partition")


class KafkaBroker:
    """One consumer; partitions come and go one by one (cooperative), offsets are always ours."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._trouble = ""
        self._refusal = ""
        self._consumer = Consumer({**config, "error_cb": self._note})
        self._subscribed: frozenset[str] = frozenset()

    def subscribe(self, topics: Collection[str], assignments: Assignments) -> None:
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

    def poll(self, count: int, timeout_s: float) -> Arrivals:
        """At most `count` records, those that came until the time was over."""
        messages = self._consumer.consume(count, timeout_s)
        if self._refusal:
            refusal, self._refusal = self._refusal, ""
            raise BrokerRefused(refusal)
        if not any(map(_ERROR, messages)):
            self._trouble = "" if messages else self._trouble
            return Arrivals(self._grouped(messages))
        ended: set[TopicPartition] = set()
        lost: set[TopicPartition] = set()
        sound: list[Message] = []
        for message in messages:
            error = message.error()
            if error is None:
                ended.discard(_place(message))
                sound.append(message)
            else:
                self._sort_out(error, _place(message), ended=ended, lost=lost)
        return Arrivals(self._grouped(sound), frozenset(ended), frozenset(lost))

    def _grouped(self, messages: Sequence[Message]) -> dict[TopicPartition, list[Record]]:
        """The records by partition; a fetch brings long runs of one, so that few groups are joined."""
        grouped: dict[TopicPartition, list[Record]] = {}
        by = _PARTITION if len(self._subscribed) == 1 else _place
        for _, run in groupby(messages, by):
            records: list[Record] = list(run)
            place = _place(records[0])
            grouped[place] = grouped[place] + records if place in grouped else records
        return grouped

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Inside of on_assign: read these partitions, each from its offset."""
        self._consumer.incremental_assign([_theirs(place, offset) for place, offset in offsets.items()])

    def hold(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside of on_assign: take these partitions and read nothing until `seek`."""
        held = [_theirs(place, 0) for place in partitions]
        self._consumer.incremental_assign(held)
        self._consumer.pause(held)

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Go on reading these partitions from these offsets."""
        places = [_theirs(place, offset) for place, offset in offsets.items()]
        if not places:
            return
        # Assigned anew: unlike a seek it never waits for a broker, and throws away all that was fetched.
        try:
            self._consumer.incremental_unassign(places)
            self._consumer.incremental_assign(places)
            # A pause outlives the assignment that it was made in.
            self._consumer.resume(places)
        except KafkaException as error:
            raise BrokerUnavailable(f"Kafka's client would not start at the stored offsets: {error}") from error

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
            self._trouble = str(error)

    def trouble(self) -> str:
        """Why Kafka does not answer, "" when it does."""
        return self._trouble

    def close(self) -> None:
        """Leave the group; revokes what is assigned."""
        self._consumer.close()

    def _note(self, error: KafkaError) -> None:
        if error.code() in REFUSED:
            self._refusal = error.str()
        self._trouble = error.str()

    def _sort_out(
        self, error: KafkaError, place: TopicPartition, *, ended: set[TopicPartition], lost: set[TopicPartition]
    ) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            self._trouble = ""
            ended.add(place)
        elif error.code() in LOST:
            lost.add(place)
        else:
            self._note(error)


def _place(message: Record) -> TopicPartition:
    return TopicPartition(message.topic() or "", message.partition() or 0)


def _ours(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _theirs(place: TopicPartition, offset: int | None = None) -> KafkaPartition:
    if offset is None:
        return KafkaPartition(place.topic, place.partition)
    return KafkaPartition(place.topic, place.partition, offset)
