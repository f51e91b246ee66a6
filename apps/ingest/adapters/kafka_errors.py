"""Which of Kafka's errors are whose: a topic's own, or the client's, which is the whole process's."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable

LOST: Final = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001
        KafkaError._LOG_TRUNCATION,  # noqa: SLF001
        KafkaError.OFFSET_OUT_OF_RANGE,
    }
)
"""The offset is not there, or not in the log that was read before."""

MISSING: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    }
)

TOPIC_REFUSED: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Kafka does not let this station read it: give its user Describe and Read",
    KafkaError.TOPIC_EXCEPTION: "Kafka takes no such name for a topic: mend physicalName in the contract",
}
"""What a topic's own refusals mean: nobody else's."""

_PROCESS_REFUSED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_REQUEST_REFUSED: Final = _PROCESS_REFUSED | {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
}


def topic_refusal(topic: str, code: int) -> str:
    """Why this topic alone cannot be read, "" when the error is none of the topic's."""
    reason = TOPIC_REFUSED.get(code)
    return f"the topic {topic} is refused: {reason}" if reason else ""


def refuses_process(code: int) -> bool:
    """Whether Kafka refuses this client, and not one of its topics."""
    return code in _PROCESS_REFUSED


def is_own(code: int) -> bool:
    """Whether an answer about one topic or partition says nothing about the others.

    Kafka's own codes are positive; of the client's, which are negative, only one is about a partition.
    """
    return code == KafkaError._UNKNOWN_PARTITION or (code > 0 and code not in _PROCESS_REFUSED)  # noqa: SLF001


def cause(error: KafkaException) -> KafkaError:
    """What went wrong, by Kafka's code."""
    first = error.args[0]
    return first if isinstance(first, KafkaError) else KafkaError(KafkaError._FAIL, str(first))  # noqa: SLF001


def request_error(where: str, error: KafkaException) -> BrokerUnavailable | BrokerRefused:
    """The error of ingest for a request that failed as a whole; `where` are the brokers' addresses."""
    reason = cause(error)
    # Of some requests the client names only itself.
    text = reason.str() + (reason.name() if reason.str().endswith(": ") else "")
    if reason.code() in _REQUEST_REFUSED:
        return BrokerRefused(f"Kafka at {where} refused: {text}")
    return BrokerUnavailable(
        f"Kafka at {where} does not answer ({text}): start it, or mend ANDEN_KAFKA_BOOTSTRAP_SERVERS"
    )
