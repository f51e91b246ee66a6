"""Errors of ingest, named by the caller's reaction. For the error of a single record, see datasets' BadRecord."""

from collections.abc import Collection


class IngestError(Exception):
    """Ingest failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class RetriableStoreError(IngestError):
    """PostgreSQL failed temporarily and committed nothing: read the positions again and retry."""


class StoreUnresponsive(RetriableStoreError):
    """PostgreSQL did not answer in time, and may still commit: read the positions again and retry."""


class BrokerUnavailable(IngestError):
    """Kafka does not respond: wait and retry."""


class BrokerRefused(IngestError):
    """Kafka rejected our credentials or request: correct the client's settings or permissions."""


class GroupShared(BrokerRefused):
    """Workers of another database are in our consumer group: each database would get only some of the records."""


class TopicMissing(IngestError):
    """The topic does not exist: wait for it, or create it with `manage.py topics ensure`."""


class Fenced(IngestError):
    """Another worker owns these sources: stop reading them. `source_ids` is empty if there is only one."""

    def __init__(self, message: str = "", *, source_ids: Collection[int] = ()) -> None:
        self.source_ids = frozenset(source_ids)
        super().__init__(message)


class PartitionMissing(IngestError):
    """The month or ledger day of these rows has no partition: create it and store the batch again."""


class StaleContract(IngestError):
    """The table does not match the contract: read the contract again and retry."""


class RecordRefused(IngestError):
    """PostgreSQL rejected a record of this batch: find it, quarantine it, store the others.

    `constraint` and `column` are "" if PostgreSQL names none. `row` is the row's index in the COPY, from 0, or None if
    unknown.
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
    """The state of this pipeline is inconsistent: stop it, report it, skip nothing."""


class TopicRecreated(PipelineStopped):
    """The topic was deleted and created again, so the stored offsets are meaningless."""


class OffsetsLost(PipelineStopped):
    """Kafka no longer holds the next offset."""


class LogTruncated(PipelineStopped):
    """The log was truncated before the position, so the next offset may hold a different record."""


class TopicRefused(PipelineStopped):
    """Kafka does not let us read this topic: correct permissions or name, or create it; reading then resumes."""


class PartitionUnavailable(PipelineStopped):
    """The partition has no leader. Reading resumes when it has one."""


class TableUnavailable(PipelineStopped):
    """PostgreSQL cannot write to this table now: pause its dataset, then retry; the others are not affected."""

    def __init__(self, message: str = "", *, sqlstate: str = "") -> None:
        self.sqlstate = sqlstate
        super().__init__(message)

    @property
    def is_lock(self) -> bool:
        """Whether other sessions hold the table, or its privileges are missing: never the server's fault."""
        return self.sqlstate in {"40P01", "42501", "55006", "55P03"}


class DuplicateCoordinates(PipelineStopped):
    """The table already holds rows of these coordinates."""


class UnexpectedStoreError(PipelineStopped):
    """PostgreSQL raised an unexpected error."""


class QuarantineRefused(UnexpectedStoreError):
    """The quarantine or the ledger rejected a row: find its record and quarantine what can be stored of it."""


class StateUnreadable(PipelineStopped):
    """The stored state of this pipeline cannot be read."""


class TooManyUnreadable(PipelineStopped):
    """Record after record fails; the records or Andén itself may be at fault."""


def missing_line(topic: str) -> str:
    """How to resolve a missing topic."""
    return f"Kafka has no topic {topic}: create it with `manage.py topics ensure`"
