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

_OWN_GROUP: Final = "set ANDEN_KAFKA_GROUP_ID to a name of this station's own"
GROUP_REFUSED: Final = {
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: f"other programs are in the consumer group: {_OWN_GROUP}",
    KafkaError.INVALID_SESSION_TIMEOUT: "the brokers bound it (group.min.session.timeout.ms and "
    "group.max.session.timeout.ms): mend ANDEN_KAFKA_SESSION_TIMEOUT_MS",
    KafkaError.INVALID_GROUP_ID: _OWN_GROUP,
    KafkaError.GROUP_AUTHORIZATION_FAILED: "give this station's user Read on the group in ANDEN_KAFKA_GROUP_ID",
    KafkaError.GROUP_MAX_SIZE_REACHED: "the brokers bound it (group.max.size): run fewer workers",
}
"""Why the consumer group takes no member like ours, and what to do: nobody would ever get a partition."""

_PROCESS_REFUSED: Final = GROUP_REFUSED.keys() | {
    KafkaError._AUTHENTICATION,  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
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


def process_refusal(code: int, said: str) -> str:
    """Why Kafka refuses this client, and not one of its topics; "" when it does not."""
    if code not in _PROCESS_REFUSED:
        return ""
    return f"{said}: {GROUP_REFUSED[code]}" if code in GROUP_REFUSED else said


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
