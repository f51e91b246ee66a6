"""What Kafka knows of topics, by confluent-kafka's admin client."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from apps.datasets.core.contract import TopicSpec
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable
from apps.ingest.core.records import TopicPartition, TopicState

TIMEOUT_S: Final = 5.0


class KafkaTopics:
    """Asks and makes topics; every call ends after five seconds."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._where = str(config["bootstrap.servers"])
        self._admin = AdminClient(dict(config))

    def states(self, names: Collection[str]) -> dict[str, TopicState]:
        """The topics of these names that exist."""
        if not names:
            return {}
        found: dict[str, TopicState] = {}
        futures = self._admin.describe_topics(TopicCollection(sorted(names)), request_timeout=TIMEOUT_S)
        for name, future in futures.items():
            try:
                topic = future.result(TIMEOUT_S + 1)
            except KafkaException as error:
                if _cause(error).code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise self._refusal(error) from error
                continue
            found[name] = TopicState(str(topic.topic_id), tuple(sorted(part.id for part in topic.partitions)))
        return found

    def offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset and the one after the last of each partition."""
        if not partitions:
            return {}
        first = self._listed(partitions, OffsetSpec.earliest())
        last = self._listed(partitions, OffsetSpec.latest())
        return {place: (first[place], last[place]) for place in partitions}

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
            if _cause(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._refusal(error) from error

    def _listed(self, partitions: Collection[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        wanted = {KafkaPartition(*place): spec for place in partitions}
        futures = self._admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=TIMEOUT_S
        )
        try:
            return {
                TopicPartition(place.topic, place.partition): future.result(TIMEOUT_S + 1).offset  # type: ignore[attr-defined]
                for place, future in futures.items()
            }
        except KafkaException as error:
            raise self._refusal(error) from error

    def _refusal(self, error: KafkaException) -> BrokerUnavailable | BrokerRefused:
        cause = _cause(error)
        if cause.code() in {
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
            KafkaError.SASL_AUTHENTICATION_FAILED,
            KafkaError._AUTHENTICATION,  # noqa: SLF001
            KafkaError.INVALID_REPLICATION_FACTOR,
            KafkaError.INVALID_PARTITIONS,
            KafkaError.INVALID_CONFIG,
            KafkaError.POLICY_VIOLATION,
            KafkaError.TOPIC_EXCEPTION,
        }:
            return BrokerRefused(f"Kafka at {self._where} refused: {cause.str()}")
        return BrokerUnavailable(
            f"Kafka at {self._where} does not answer ({cause.str()}): start it, or mend ANDEN_KAFKA_BOOTSTRAP_SERVERS"
        )


def _cause(error: KafkaException) -> KafkaError:
    cause = error.args[0]
    return cause if isinstance(cause, KafkaError) else KafkaError(KafkaError._FAIL, str(cause))  # noqa: SLF001
