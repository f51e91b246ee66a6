"""What Kafka knows of topics, by confluent-kafka's admin client."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic, OffsetSpec, TopicDescription

from apps.datasets.core.contract.contract import TopicSpec
from apps.ingest.adapters.kafka_errors import MISSING, cause, is_own, request_error, topic_refusal
from apps.ingest.core.records import OffsetRange, OffsetRanges, TopicPartition, TopicState, TopicStates

TIMEOUT_S: Final = 5.0


class KafkaTopicAdmin:
    """Asks and makes topics; every call ends after five seconds."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._where = str(config["bootstrap.servers"])
        self._admin = AdminClient(dict(config))

    def states(self, names: Collection[str]) -> TopicStates:
        """The topics of these names; each answers for itself alone."""
        found: dict[str, TopicState] = {}
        refused: dict[str, str] = {}
        if not names:
            return TopicStates(found, refused)
        futures = self._admin.describe_topics(
            TopicCollection(sorted(names)), include_authorized_operations=True, request_timeout=TIMEOUT_S
        )
        for name, future in futures.items():
            try:
                topic = future.result(TIMEOUT_S + 1)
            except KafkaException as error:
                code = cause(error).code()
                if code not in MISSING:
                    if not is_own(code):
                        raise request_error(self._where, error) from error
                    refused[name] = topic_refusal(name, code) or f"Kafka says of {name}: {cause(error).str()}"
                continue
            found[name] = _state(name, topic)
        return TopicStates(found, refused)

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        """Where each partition begins and ends; each answers for itself alone."""
        found: dict[TopicPartition, OffsetRange] = {}
        errors: dict[TopicPartition, str] = {}
        firsts = self._listed(partitions, OffsetSpec.earliest(), errors)
        for place, (end, leader_epoch) in self._listed(firsts.keys(), OffsetSpec.latest(), errors).items():
            found[place] = OffsetRange(firsts[place][0], end, leader_epoch)
        return OffsetRanges(found, errors)

    def make(self, name: str, spec: TopicSpec, *, replication_factor: int) -> None:
        """Make a topic. Raises BrokerRefused: its settings are not to Kafka's liking."""
        config = {"cleanup.policy": spec.cleanup_policy}
        if spec.retention_hours is not None:
            config["retention.ms"] = str(spec.retention_hours * 3_600_000)
        topic = NewTopic(name, spec.partitions, replication_factor, config=config)
        future = self._admin.create_topics([topic], request_timeout=TIMEOUT_S)[name]
        try:
            future.result(TIMEOUT_S + 1)
        except KafkaException as error:
            if cause(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise request_error(self._where, error) from error

    def _listed(
        self, partitions: Collection[TopicPartition], spec: OffsetSpec, errors: dict[TopicPartition, str]
    ) -> dict[TopicPartition, tuple[int, int | None]]:
        """Offset and leader epoch by partition; why others have none goes to `errors`."""
        if not partitions:
            return {}
        found: dict[TopicPartition, tuple[int, int | None]] = {}
        wanted = {KafkaPartition(*place): spec for place in partitions}
        futures = self._admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=TIMEOUT_S
        )
        for asked, future in futures.items():
            place = TopicPartition(asked.topic, asked.partition)
            try:
                listed = future.result(TIMEOUT_S + 1)
            except KafkaException as error:
                if not is_own(cause(error).code()):
                    raise request_error(self._where, error) from error
                errors[place] = f"Kafka says of {place}: {cause(error).str()}"
            else:
                found[place] = (listed.offset, listed.leader_epoch)  # type: ignore[attr-defined]
        return found


def _may_read(topic: TopicDescription) -> bool:
    """Whether Kafka gives us its records. A broker that does not say what we may is tried."""
    operations: Sequence[AclOperation] | None = topic.authorized_operations  # type: ignore[assignment]
    return not operations or AclOperation.READ in operations


def _state(name: str, topic: TopicDescription) -> TopicState:
    return TopicState(
        str(topic.topic_id),
        tuple(sorted(part.id for part in topic.partitions)),
        frozenset(part.id for part in topic.partitions if part.leader is None or part.leader.id < 0),
        "" if _may_read(topic) else topic_refusal(name, KafkaError.TOPIC_AUTHORIZATION_FAILED),
    )
