"""Queries: datasets for workers, positions for the lag exporter, quarantined records for operators."""

import datetime
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.core.document.applied_dataset import DatasetCatalogue
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.selectors import catalogue_fingerprint, catalogue_read
from apps.ingest.adapters.answer_deadline import AnswerTimeout
from apps.ingest.core.errors import IngestError, RetriableStoreError, StoreUnresponsive
from apps.ingest.core.records import TopicPartition
from apps.ingest.models import Quarantine, Source

ALIAS = "ingest"


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """The position of one source; `max_at` is the watermark of its records, None before the first."""

    source_id: int
    dataset: str
    topic: str
    topic_id: str
    partition: int
    next_offset: int
    max_at: datetime.datetime | None
    updated_at: datetime.datetime

    @property
    def topic_partition(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, self.partition)


@contextmanager
def querying() -> Iterator[None]:
    """Query over a checked connection; translates Django's errors to RetriableStoreError."""
    if ALIAS not in settings.DATABASES:
        raise IngestError("ANDEN_DATABASE_INGEST_URL is not set: set it, positions are read as the ingest role")
    connection = connections[ALIAS]
    try:
        connection.close_if_unusable_or_obsolete()
        yield
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        if isinstance(error.__cause__, AnswerTimeout):
            raise StoreUnresponsive(str(error)) from error
        raise RetriableStoreError(explain_database_error(ALIAS, error)) from error


def positions() -> list[StoredPosition]:
    """Every stored position. Raises RetriableStoreError."""
    fields = ("id", "dataset__name", "topic", "topic_id", "partition", "next_offset", "max_at", "updated_at")
    with querying():
        return [StoredPosition(*row) for row in Source.objects.using(ALIAS).values_list(*fields)]


def database_identity() -> str:
    """The server's system identifier and the database's oid; "" if we may not query them.

    A copy made with `pg_dump` has a different identity; a standby has its primary's. Raises RetriableStoreError.
    """
    with querying(), connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        if cursor.fetchone() != (True,):
            return ""
        cursor.execute(
            "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
        )
        row = cursor.fetchone()
        return f"{row[0]}-{row[1]}" if row else ""


def dataset_topics() -> dict[str, str | None]:
    """Each dataset's topic by dataset name, None if its contract cannot be read. Raises RetriableStoreError."""
    with querying():
        catalogue = catalogue_read(using=ALIAS)
    topics: dict[str, str | None] = {dataset.name: None for dataset in catalogue.unreadable}
    return topics | {dataset.name: dataset.contract.topic for dataset in catalogue.readable}


def quarantine_list(
    *, dataset: str = "", reason: str = "", state: str = Quarantine.State.OPEN, limit: int = 50
) -> list[Quarantine]:
    """The latest quarantined records, without their bytes; an empty filter matches everything.

    Raises RetriableStoreError.
    """
    wanted = {"dataset__name": dataset, "reason": reason, "state": state}
    chosen = {name: value for name, value in wanted.items() if value}
    with querying():
        rows = Quarantine.objects.using(ALIAS).select_related("dataset").defer("key", "value", "headers")
        return list(rows.filter(**chosen)[:limit])


def quarantine_get(record_id: int) -> Quarantine | None:
    """One complete quarantined record, or None. Raises RetriableStoreError."""
    with querying():
        return Quarantine.objects.using(ALIAS).select_related("dataset").filter(pk=record_id).first()


def catalogue(names: Collection[str] = ()) -> Callable[[], DatasetCatalogue]:
    """A function that returns the current datasets when called: those with these names, or all.

    It returns the same object while nothing changes. Both raise RetriableStoreError. Raises DatasetUnknown: no dataset
    has one of the names.
    """

    last, fingerprint = DatasetCatalogue(), ""

    def read() -> DatasetCatalogue:
        nonlocal last, fingerprint
        with querying():
            current = catalogue_fingerprint(using=ALIAS)
            # Unreadable contracts are read again, because they may have been fixed in place.
            if current == fingerprint and not last.unreadable:
                return last
            found = catalogue_read(using=ALIAS)
        last, fingerprint = (
            DatasetCatalogue(
                tuple(dataset for dataset in found.readable if not names or dataset.name in names),
                tuple(dataset for dataset in found.unreadable if not names or dataset.name in names),
            ),
            current,
        )
        return last

    first = read()
    known = {dataset.name for dataset in first.readable} | {dataset.name for dataset in first.unreadable}
    missing = sorted(set(names) - known)
    if missing:
        raise DatasetUnknown(
            f"no dataset is named {', '.join(missing)}: apply its contract with `manage.py datasets apply`"
        )
    return read
