"""Kafka's metadata of topics, with confluent-kafka's admin client."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AclOperation, NewTopic, OffsetSpec, TopicDescription

from apps.datasets.core.contract.contract import TopicSpec
from apps.ingest.adapters.kafka_admin import ANSWER_S, TIMEOUT_S, KafkaAdmin
from apps.ingest.adapters.kafka_errors import MISSING, cause, is_own, request_error, topic_refusal
from apps.ingest.core.records import OffsetRange, OffsetRanges, TopicPartition, TopicState, TopicStates


class KafkaTopicAdmin:
    """Describes and creates topics; every call times out after five seconds."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._admin = KafkaAdmin(config)

    def states(self, names: Collection[str]) -> TopicStates:
        """The states of these topics; an error of one does not affect the others."""
        found: dict[str, TopicState] = {}
        refused: dict[str, str] = {}
        if not names:
            return TopicStates(found, refused)
        with self._admin.request() as client:
            futures = client.describe_topics(
                TopicCollection(sorted(names)), include_authorized_operations=True, request_timeout=TIMEOUT_S
            )
            for name, future in futures.items():
                try:
                    topic = future.result(ANSWER_S)
                except KafkaException as error:
                    code = cause(error).code()
                    if code not in MISSING:
                        if not is_own(code):
                            raise request_error(self._admin.where, error) from error
                        refused[name] = topic_refusal(name, code) or f"Kafka error on {name}: {cause(error).str()}"
                    continue
                found[name] = _state(name, topic)
        return TopicStates(found, refused)

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        """The first and end offset of each partition; an error of one does not affect the others."""
        found: dict[TopicPartition, OffsetRange] = {}
        errors: dict[TopicPartition, str] = {}
        firsts = self._listed(partitions, OffsetSpec.earliest(), errors)
        for partition, (end, leader_epoch) in self._listed(firsts.keys(), OffsetSpec.latest(), errors).items():
            found[partition] = OffsetRange(firsts[partition][0], end, leader_epoch)
        return OffsetRanges(found, errors)

    def high_watermarks(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each partition, open transactions included; without those that fail."""
        listed = self._listed(partitions, OffsetSpec.latest(), {}, isolation=IsolationLevel.READ_UNCOMMITTED)
        return {partition: end for partition, (end, _) in listed.items()}

    def make(self, name: str, spec: TopicSpec, *, replication_factor: int) -> None:
        """Create a topic. Raises BrokerRefused: Kafka rejects its settings."""
        config = {"cleanup.policy": spec.cleanup_policy}
        if spec.retention_hours is not None:
            config["retention.ms"] = str(spec.retention_hours * 3_600_000)
        topic = NewTopic(name, spec.partitions, replication_factor, config=config)
        with self._admin.request() as client:
            future = client.create_topics([topic], request_timeout=TIMEOUT_S)[name]
            try:
                future.result(ANSWER_S)
            except KafkaException as error:
                if cause(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise request_error(self._admin.where, error) from error

    def _listed(
        self,
        partitions: Collection[TopicPartition],
        spec: OffsetSpec,
        errors: dict[TopicPartition, str],
        *,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[TopicPartition, tuple[int, int | None]]:
        """Offset and leader epoch by partition; adds the errors of others to `errors`."""
        if not partitions:
            return {}
        found: dict[TopicPartition, tuple[int, int | None]] = {}
        wanted = {KafkaPartition(*partition): spec for partition in partitions}
        with self._admin.request() as client:
            futures = client.list_offsets(wanted, isolation_level=isolation, request_timeout=TIMEOUT_S)
            for asked, future in futures.items():
                partition = TopicPartition(asked.topic, asked.partition)
                try:
                    listed = future.result(ANSWER_S)
                except KafkaException as error:
                    if not is_own(cause(error).code()):
                        raise request_error(self._admin.where, error) from error
                    errors[partition] = f"Kafka error on {partition}: {cause(error).str()}"
                else:
                    found[partition] = (listed.offset, listed.leader_epoch)  # type: ignore[attr-defined]
        return found


def _may_read(topic: TopicDescription) -> bool:
    """Whether we may read the topic. If the broker does not report our permissions, we try."""
    operations: Sequence[AclOperation] | None = topic.authorized_operations  # type: ignore[assignment]
    return not operations or AclOperation.READ in operations


def _state(name: str, topic: TopicDescription) -> TopicState:
    return TopicState(
        str(topic.topic_id),
        tuple(sorted(metadata.id for metadata in topic.partitions)),
        frozenset(metadata.id for metadata in topic.partitions if metadata.leader is None or metadata.leader.id < 0),
        "" if _may_read(topic) else topic_refusal(name, KafkaError.TOPIC_AUTHORIZATION_FAILED),
    )
