"""From one contract version to the next, on tables with rows, and concurrently."""

import threading
from typing import Any

import pytest
from django.db import connections

from apps.datasets.core.errors import ChangeRefused, DatasetNotEmpty, DatasetUnknown
from apps.datasets.runtime_models import model_for
from apps.datasets.selectors import dataset_get
from apps.datasets.services import ApplyResult, dataset_apply, dataset_drop
from tests.documents import document, prop
from tests.station import Station

ID = prop("id", "integer", primaryKey=True)
FIRST = [ID, prop("name", "string", "varchar(10)", required=True), prop("amount", "number", "numeric(8,2)")]


def entities(properties: list[dict[str, Any]], **custom: Any) -> dict[str, Any]:
    return document("things", properties, mode="upsert", **custom)


def columns(station: Station) -> dict[str, str]:
    with station.admin() as connection:
        return dict(
            connection.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = 'data.things'::regclass AND attnum > 0"
            ).fetchall()
        )


def add_row(station: Station) -> None:
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.things (id, name, _source, _offset, _batch, _at, _rev) "
            "VALUES (1, 'a', 1, 1, 1, now(), 1)"
        )


def test_a_catalog_only_change_is_made_in_place(station: Station) -> None:
    station.apply(entities(FIRST))
    add_row(station)
    changed = [
        ID,
        prop("name", "string", "text", description="now longer"),
        prop("amount", "number", "numeric(12,2)"),
        prop("new", "integer", unique=True),
    ]
    second = station.apply(entities(changed, unknownFields="keep", filters=["name"], orders=["-amount"]))
    assert second.version == 2
    found = columns(station)
    assert (found["name"], found["amount"], found["new"], found["_extra"]) == (
        "text",
        "numeric(12,2)",
        "bigint",
        "jsonb",
    )
    with station.connect("ingest") as connection:
        connection.execute("UPDATE data.things SET name = NULL, new = 5")
    assert model_for(second).objects.using("reader").values_list("f1", "f3").get() == (None, 5)
    with station.admin() as connection:
        made = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'i\\_%'").fetchone()
        assert made == (2,)
        assert connection.execute("SELECT id, name, new FROM analyst.things").fetchall() == [(1, None, 5)]
    third = station.apply(entities(changed))
    with station.admin() as connection:
        assert third.version == 3
        assert connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'i\\_%'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("properties", "custom", "rule"),
    [
        (FIRST[:2], {"mode": "upsert"}, "'amount' is removed"),
        ([*FIRST, prop("new", required=True)], {"mode": "upsert"}, "new and required"),
        ([*FIRST[:2], prop("amount", "number", "numeric(8,2)", required=True)], {"mode": "upsert"}, "become required"),
        ([*FIRST[:2], prop("amount", "number", "numeric(6,2)")], {"mode": "upsert"}, "rewriting"),
        ([ID, prop("name", "string", "varchar(5)", required=True), FIRST[2]], {"mode": "upsert"}, "rewriting"),
        ([prop("id", "integer", "integer", primaryKey=True), *FIRST[1:]], {"mode": "upsert"}, "rewriting"),
        ([prop("id", "integer"), *FIRST[1:]], {}, "mode of an existing dataset"),
    ],
)
def test_a_change_that_would_lose_or_rewrite_rows_is_rejected(
    station: Station, properties: list[dict[str, Any]], custom: dict[str, Any], rule: str
) -> None:
    station.apply(entities(FIRST))
    with pytest.raises(ChangeRefused) as refused:
        dataset_apply(document("things", properties, **custom))
    assert rule in str(refused.value)
    assert dataset_get("things").version == 1


def test_unique_is_rejected_if_rows_violate_it(station: Station) -> None:
    station.apply(entities(FIRST))
    add_row(station)
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.things (id, name, _source, _offset, _batch, _at, _rev) "
            "VALUES (2, 'a', 1, 2, 1, now(), 1)"
        )
    with pytest.raises(ChangeRefused, match="existing rows"):
        dataset_apply(entities([ID, {**FIRST[1], "unique": True}, FIRST[2]]))
    assert dataset_get("things").version == 1


def test_concurrent_applies_run_one_after_the_other(station: Station) -> None:
    done: list[ApplyResult] = []

    def apply(index: int) -> None:
        try:
            done.append(dataset_apply(entities([*FIRST, prop("more", description=f"version {index % 2}")])))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=apply, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 6
    assert dataset_get("things").version == sum(item.changed for item in done)


def test_a_dataset_with_rows_is_dropped_only_with_data(station: Station) -> None:
    station.apply(entities(FIRST))
    add_row(station)
    with pytest.raises(DatasetNotEmpty):
        dataset_drop("things")
    dataset_drop("things", with_data=True)
    with pytest.raises(DatasetUnknown):
        dataset_get("things")
    assert station.apply(document("things")).version == 1
