"""An installation with data, and browsers of logged-in users."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from apps.datasets.models import Dataset
from tests.station import Station

LoginAs = Callable[[str], Client]


def document(name: str, *, restricted: bool = False, latency_s: int | None = None) -> dict[str, Any]:
    """The contract of a small upsert dataset."""
    secret = {"name": "secret", "logicalType": "string", "description": "A secret."}
    if restricted:
        secret["classification"] = "restricted"
    sla = [{"property": "latency", "value": latency_s, "unit": "s"}] if latency_s else []
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"urn:test:{name}",
        "version": "1.0.0",
        "status": "active",
        "slaProperties": sla,
        "schema": [
            {
                "name": name,
                "physicalName": name,
                "logicalType": "object",
                "description": f"Things called {name}.",
                "properties": [
                    {
                        "name": "id",
                        "logicalType": "integer",
                        "primaryKey": True,
                        "primaryKeyPosition": 1,
                        "description": "Its number.",
                    },
                    secret,
                ],
                "customProperties": [{"property": "mode", "value": "upsert"}],
            }
        ],
    }


class Filled:
    """Inserts what workers would."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def dataset(self, name: str, **options: Any) -> Dataset:
        """An applied, empty dataset."""
        self._station.apply(document(name, **options))
        return Dataset.objects.get(name=name)

    def rows(self, dataset: Dataset, count: int, *, deleted: bool = False) -> None:
        """Rows whose `secret` is `hush <id>`."""
        with self._station.connect("writer") as writer:
            writer.execute(
                f'INSERT INTO data."{dataset.name}" (id, secret, _source, _offset, _batch, _at, _rev, _deleted) '
                "SELECT n, 'hush ' || n, 0, n, 1, now(), 1, %s FROM generate_series(1, %s) n",
                (deleted, count),
            )

    def source(self, dataset: Dataset, *, assigned: bool = True, error: str = "") -> int:
        """A position, with or without a live worker."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ingest_source (dataset_id, topic, topic_id, partition, next_offset, epoch, owner, "
                "backend_pid, last_error) VALUES (%s, %s, 't', 0, 100, 1, 'worker', %s, %s) RETURNING id",
                (
                    dataset.pk,
                    dataset.name,
                    connection.connection.info.backend_pid if assigned else 2**31 - 1,
                    error,
                ),
            )
            return int(cursor.fetchone()[0])

    def batch(self, dataset: Dataset, *, age_s: float, rows: int = 10, rejects: int = 0) -> None:
        """A batch in the ledger."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO datasets_batch (day, id, dataset_id, version, source_id, first_offset, last_offset, "
                "rows, rejects, bytes, worker, committed_at) SELECT (t AT TIME ZONE 'UTC')::date, "
                "(SELECT coalesce(max(id), 0) + 1 FROM datasets_batch), %s, 1, 1, 0, 9, %s, %s, 100, 'worker', t "
                "FROM (SELECT now() - make_interval(secs => %s)) AS moment (t)",
                (dataset.pk, rows, rejects, age_s),
            )

    def rejects(self, dataset: Dataset, source: int, values: list[bytes | None], reason: str = "not_json") -> None:
        """Records in the quarantine."""
        with connection.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO ingest_quarantine (dataset_id, source_id, "offset", topic, partition, key, value, '
                "headers, field, reason, message, contract_version, batch_id) VALUES (%s, %s, "
                '(SELECT coalesce(max("offset"), 0) + 1 FROM ingest_quarantine), %s, 0, %s, %s, '
                "'[[\"trace\", \"abc\"]]', 'id', %s, 'a message', 1, 1)",
                [(dataset.pk, source, dataset.name, b"\x00\xff", value, reason) for value in values],
            )


@pytest.fixture
def filled(station: Station) -> Filled:
    return Filled(station)


@pytest.fixture
def login_as(station: Station) -> LoginAs:
    """A function that logs a new user of this group in and returns the client."""

    def browser(group: str) -> Client:
        user = User.objects.create_user(f"a {group}", password="irrelevant here", is_staff=True)
        user.groups.set([Group.objects.get(name=group)])
        client = Client()
        client.force_login(user)
        return client

    return browser
