"""What is stored: datasets for workers, positions for the exporter, quarantined records for people."""

import datetime
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.core.document.applied_dataset import DatasetCatalogue
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.selectors import catalogue_read
from apps.ingest.core.errors import IngestError, RetriableStoreError
from apps.ingest.core.records import TopicPartition
from apps.ingest.models import Quarantine, Source

ALIAS = "ingest"


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """How far one source is stored; `max_at` is the time of the last records, None before the first."""

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
def asking() -> Iterator[None]:
    """Ask through a connection that is tried first, and let Django's errors out as RetriableStoreError."""
    if ALIAS not in settings.DATABASES:
        raise IngestError("ANDEN_DATABASE_INGEST_URL is not set: positions are read as the ingest role")
    connection = connections[ALIAS]
    try:
        connection.close_if_unusable_or_obsolete()
        yield
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        raise RetriableStoreError(explain_database_error(ALIAS, error)) from error


def positions() -> list[StoredPosition]:
    """Every stored position. Raises RetriableStoreError."""
    fields = ("id", "dataset__name", "topic", "topic_id", "partition", "next_offset", "max_at", "updated_at")
    with asking():
        return [StoredPosition(*row) for row in Source.objects.using(ALIAS).values_list(*fields)]


def database_identity() -> str:
    """The server's system identifier and the database's number in it; "" where we may not ask for them.

    Copies by `pg_dump` have one of their own, standbys have their primary's. Raises RetriableStoreError.
    """
    with asking(), connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        if cursor.fetchone() != (True,):
            return ""
        cursor.execute(
            "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
        )
        row = cursor.fetchone()
        return f"{row[0]}-{row[1]}" if row else ""


def dataset_topics() -> dict[str, str | None]:
    """The topic of each dataset by its name, None where the contract cannot be read. Raises RetriableStoreError."""
    with asking():
        catalogue = catalogue_read(using=ALIAS)
    topics: dict[str, str | None] = {dataset.name: None for dataset in catalogue.unreadable}
    return topics | {dataset.name: dataset.contract.topic for dataset in catalogue.readable}


def quarantine_list(
    *, dataset: str = "", reason: str = "", state: str = Quarantine.State.OPEN, limit: int = 50
) -> list[Quarantine]:
    """The latest quarantined records, without their values; empty filters let everything through.

    Raises RetriableStoreError.
    """
    wanted = {"dataset__name": dataset, "reason": reason, "state": state}
    chosen = {name: value for name, value in wanted.items() if value}
    with asking():
        rows = Quarantine.objects.using(ALIAS).select_related("dataset").defer("key", "value", "headers")
        return list(rows.filter(**chosen)[:limit])


def quarantine_get(record_id: int) -> Quarantine | None:
    """One quarantined record, whole; None when there is none of this id. Raises RetriableStoreError."""
    with asking():
        return Quarantine.objects.using(ALIAS).select_related("dataset").filter(pk=record_id).first()


def catalogue(names: Collection[str] = ()) -> Callable[[], DatasetCatalogue]:
    """A function that lists the datasets as they stand when it is called: those of these names, or all.

    Both raise RetriableStoreError. Raises DatasetUnknown: one of the names stands for no dataset now.
    """

    def read() -> DatasetCatalogue:
        with asking():
            found = catalogue_read(using=ALIAS)
        return DatasetCatalogue(
            tuple(dataset for dataset in found.readable if not names or dataset.name in names),
            tuple(dataset for dataset in found.unreadable if not names or dataset.name in names),
        )

    first = read()
    there = {dataset.name for dataset in first.readable} | {dataset.name for dataset in first.unreadable}
    missing = sorted(set(names) - there)
    if missing:
        raise DatasetUnknown(
            f"there is no dataset {', '.join(missing)}: apply its contract with `manage.py datasets apply`"
        )
    return read
