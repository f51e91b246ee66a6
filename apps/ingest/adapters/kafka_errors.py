"""Classify Kafka's errors: those of a single topic, and those of the client and so the process."""

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
"""The offset does not exist, or not in the log that was read before."""

MISSING: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    }
)

TOPIC_REFUSED: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Kafka does not let Andén read it: grant its user Describe and Read",
    KafkaError.TOPIC_EXCEPTION: "the name is not valid in Kafka: correct physicalName in the contract",
}
"""Refusals of a single topic, and what to do."""

_OWN_GROUP: Final = "set ANDEN_KAFKA_GROUP_ID to a name that only this installation uses"
GROUP_REFUSED: Final = {
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: f"other programs are in the consumer group: {_OWN_GROUP}",
    KafkaError.INVALID_SESSION_TIMEOUT: "the brokers limit it (group.min.session.timeout.ms and "
    "group.max.session.timeout.ms): fix ANDEN_KAFKA_SESSION_TIMEOUT_MS",
    KafkaError.INVALID_GROUP_ID: _OWN_GROUP,
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Andén's user Read on the group in ANDEN_KAFKA_GROUP_ID",
    KafkaError.GROUP_MAX_SIZE_REACHED: "the brokers limit the group's size (group.max.size): run fewer workers",
}
"""Why the consumer group rejects the worker, and what to do."""

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
    """Why this one topic cannot be read, "" if the error is not about the topic."""
    reason = TOPIC_REFUSED.get(code)
    return f"the topic {topic} is refused: {reason}" if reason else ""


def process_refusal(code: int, message: str) -> str:
    """Why Kafka refuses this client as such, "" if it does not."""
    if code not in _PROCESS_REFUSED:
        return ""
    return f"{message}: {GROUP_REFUSED[code]}" if code in GROUP_REFUSED else message


def is_own(code: int) -> bool:
    """Whether an error concerns only its own topic or partition.

    Kafka's codes are positive. Of the client's codes, which are negative, only one is about a partition.
    """
    return code == KafkaError._UNKNOWN_PARTITION or (code > 0 and code not in _PROCESS_REFUSED)  # noqa: SLF001


def cause(error: KafkaException) -> KafkaError:
    """The KafkaError inside the exception."""
    first = error.args[0]
    return first if isinstance(first, KafkaError) else KafkaError(KafkaError._FAIL, str(first))  # noqa: SLF001


def request_error(where: str, error: KafkaException) -> BrokerUnavailable | BrokerRefused:
    """The error of ingest for a failed request; `where` is the list of brokers."""
    reason = cause(error)
    # For some requests the client's message names only itself.
    text = reason.str() + (reason.name() if reason.str().endswith(": ") else "")
    if reason.code() in _REQUEST_REFUSED:
        return BrokerRefused(f"Kafka at {where} refused: {text}")
    return BrokerUnavailable(
        f"Kafka at {where} does not respond ({text}): start it, or fix ANDEN_KAFKA_BOOTSTRAP_SERVERS"
    )
