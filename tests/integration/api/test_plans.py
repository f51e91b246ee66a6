"""Every page is served by an index: no available order sorts a table."""

import itertools
from typing import Any

import pytest
from django.db import connections

from apps.api.access.selectors import AccessScope, visible_rows
from apps.api.access.visible_schema import visible_schema
from apps.api.clients.services import GrantRequest
from apps.api.records.adapters.statements import page_statement
from apps.api.records.core.query import order_text, page_query
from apps.api.records.reading import records_page
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.documents import document, prop
from tests.integration.api.conftest import Connect
from tests.station import Station
from tests.unit.api.shapes import every_type

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

MAX_BYTES = 4_194_304


def plan(sql: str, params: Any) -> str:
    """The query plan with sorts and sequential scans disabled."""
    with connections["reader"].cursor() as cursor:
        for node in ("seqscan", "sort", "incremental_sort", "bitmapscan", "hashagg"):
            cursor.execute(f"SET enable_{node} = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def check(dataset: AppliedDataset, position_of: Any) -> int:
    access = AccessScope(dataset, visible_schema(dataset.contract, None), frozenset({"read"}))
    orders = [(), *access.schema.orders]
    for order, is_reversed in itertools.product(orders, (False, True)):
        text = order_text(order) or "_id"
        if is_reversed:
            text = ",".join(f"-{part}".removeprefix("--") for part in text.split(","))
        query = page_query(access.schema, [("order", text), ("limit", "10")])
        for position in (None, *position_of(query)):
            statement = page_statement(visible_rows(access), query, position, MAX_BYTES)
            found = plan(statement.sql, statement.params)
            assert "Index" in found, (text, position, found)
            assert "Seq Scan" not in found, (text, position, found)
            assert "->  Sort" not in found, (text, position, found)
            assert "Incremental Sort" not in found, (text, position, found)
    return len(orders)


def test_every_order_of_a_partitioned_dataset_is_served_by_its_index(flights: AppliedDataset) -> None:
    def positions(query: Any) -> list[list[str | None]]:
        values = {"arr_delay": "5", "time_hour": "2013-01-02T00:00:00+00:00"}
        middle: list[str | None] = [values.get(column.name, "1") for column in query.sort]
        null = [None if column.nullable else text for column, text in zip(query.sort, middle, strict=True)]
        return [middle, null]

    assert check(flights, positions) == 3


def test_every_order_of_an_upsert_dataset_is_served_by_its_index(station: Station) -> None:
    dataset = station.apply(every_type())

    def positions(query: Any) -> list[list[str | None]]:
        return [[None if column.nullable else "a" for column in query.sort]]

    assert check(dataset, positions) > 15


def test_every_filter_has_an_index(flights: AppliedDataset) -> None:
    access = AccessScope(flights, visible_schema(flights.contract, None), frozenset({"read"}))
    for name in access.schema.filterable:
        value = "2013-01-02T00:00:00Z" if name == "time_hour" else "UA"
        query = page_query(access.schema, [(name, value), ("limit", "10")])
        found = plan(*_arguments(page_statement(visible_rows(access), query, None, MAX_BYTES)))
        assert "Index Cond" in found, (name, found)
    assert records_page(access, [("carrier", "UA")]).cursor is not None


MIXED = ["-a,b", "a,-b,c", "-b,-c", "c,a"]


@pytest.mark.parametrize("order", [*MIXED, "a,-b", "-a,b,-c"])
@pytest.mark.parametrize("limit", [1, 7])
def test_pages_in_mixed_directions_follow_postgresqls_sort_order(
    station: Station, connect: Connect, order: str, limit: int
) -> None:
    fields = [prop(name, "integer") for name in "abc"]
    station.apply(document("mixed", fields, orders=MIXED))
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.mixed (a, b, c, _source, _offset, _batch)"
            " SELECT nullif(n %% 3, 0), nullif(n %% 4, 0), nullif(n %% 5, 0), 1 + n %% 2, n, 1"
            " FROM generate_series(1, %s) AS n",
            (40,),
        )
        connection.commit()
        columns = [f"{part.removeprefix('-')}{' DESC' if part.startswith('-') else ''}" for part in order.split(",")]
        ending = " DESC" if columns[-1].endswith("DESC") else ""
        columns += [f"_source{ending}", f"_offset{ending}"]
        expected = connection.execute(f"SELECT a, b, c FROM data.mixed ORDER BY {', '.join(columns)}").fetchall()
    http, url = connect(GrantRequest("mixed")), f"/api/v1/datasets/mixed/records?order={order}&limit={limit}"
    found = []
    while url:
        response = http.get(url).json()
        found += [(record["a"], record["b"], record["c"]) for record in response["records"]]
        url = response["next"]
    assert found == expected
    assert len(expected) == 40


def _arguments(statement: Any) -> tuple[str, Any]:
    return statement.sql, statement.params
