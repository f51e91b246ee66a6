"""The errors of ingest, named by the caller's reaction. For a single record, see BadRecord of datasets."""


class IngestError(Exception):
    """Ingest failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class RetriableStoreError(IngestError):
    """PostgreSQL refused for now: nothing was committed, read the positions again and retry."""


class BrokerUnavailable(IngestError):
    """Kafka does not answer: wait and retry."""


class BrokerRefused(IngestError):
    """Kafka refused who we are or what we ask: mend the client's settings or rights."""


class GroupShared(BrokerRefused):
    """Workers of another database are in our consumer group: each would get a part of the records alone."""


class TopicMissing(IngestError):
    """The topic does not exist yet: wait for it, or make it with `manage.py topics ensure`."""


class Fenced(IngestError):
    """Another worker owns this source: let go of it."""


class PartitionMissing(IngestError):
    """No month or ledger day holds these rows: make it and store the batch again."""


class ContractChanged(IngestError):
    """The table is not what the contract said: read the contract again and retry."""


class RecordRefused(IngestError):
    """PostgreSQL refused a record of this batch: find it, quarantine it, store the others.

    `sqlstate` is PostgreSQL's word for why, `constraint` and `column` what it named ("" for none), `row` the number
    of the row among those of the COPY, from 0 (None where nobody says).
    """

    def __init__(
        self, message: str, *, sqlstate: str, constraint: str = "", column: str = "", row: int | None = None
    ) -> None:
        self.sqlstate = sqlstate
        self.row = row
        self.constraint = constraint
        self.column = column
        super().__init__(message)


class PipelineStopped(IngestError):
    """This pipeline's state is not one to go on from: stop it alone, loudly, and skip nothing."""


class TopicRecreated(PipelineStopped):
    """The topic was deleted and made again, so the stored offsets mean nothing in it."""


class OffsetsLost(PipelineStopped):
    """Kafka no longer holds the next offset."""


class LogTruncated(PipelineStopped):
    """The log was cut before the position, so the next offset may hold another record than the one that was due."""


class TopicRefused(PipelineStopped):
    """Kafka gives us nothing of this topic: mend rights or name, or make it; it is read as soon as Kafka does."""


class PartitionUnavailable(PipelineStopped):
    """The partition has no leader: it is read as soon as it has one."""


class DuplicateCoordinates(PipelineStopped):
    """The table already holds rows of these coordinates."""


class UnexpectedStoreError(PipelineStopped):
    """PostgreSQL answered with an error that nothing here expects."""


class QuarantineRefused(UnexpectedStoreError):
    """The quarantine or the ledger refused a row: find its record, and quarantine what can be stored of it."""


class StateUnreadable(PipelineStopped):
    """The stored state of this pipeline cannot be read."""


class TooManyUnreadable(PipelineStopped):
    """ConsumerRecord after record fails, for which the records or Andén itself may be at fault."""


def missing_line(topic: str) -> str:
    """What to do about a topic that is not there."""
    return f"Kafka has no topic {topic}: make it with `manage.py topics ensure`"
