"""Reading records over HTTP: pages, filters, orders, single records and errors."""

import itertools
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connections
from prometheus_client import REGISTRY

from apps.api.clients.services import GrantRequest, client_revoke
from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.models import Client, Key
from apps.api.records.core.lookups import LOOKUPS
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.telemetry.metrics import DATABASE_SECONDS
from tests.gateway import Http
from tests.integration.api.conftest import Connect, Visit, add_flights, body_of
from tests.integration.api.exported import READERS
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/flights/records"
FILES = [f"{PATH}.{one.suffix}" for one in EXPORT_FORMATS]
FLIGHTS = GrantRequest("flights")


def walk(http: Http, url: str | None) -> list[list[dict[str, Any]]]:
    """All pages, starting at this URL."""
    pages = []
    while url:
        response = http.get(url)
        assert response.status_code == 200, response.content
        pages.append(response.json()["records"])
        url = response.json()["next"]
        assert response.headers.get("Link") == (f'<{url}>; rel="next"' if url else None)
    return pages


def test_without_a_key_every_response_is_401(flights: AppliedDataset, visit: Visit) -> None:
    http = visit()
    for path in (
        "/api/v1/datasets",
        PATH,
        "/api/v1/datasets/nothing",
        "/api/v1/nothing",
        *FILES,
        f"{PATH}/kW10",
    ):
        refused = http.get(path)
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="anden"')
        assert refused.json()["detail"] == "Send a valid key: Authorization: Bearer anden_…"
    known, unknown = (body_of(http.get(f"/api/v1/datasets/{name}")) for name in ("flights", "nothing"))
    assert known == unknown


def test_a_dataset_without_a_grant_behaves_like_an_unknown_one(
    flights: AppliedDataset, persons: AppliedDataset, connect: Connect
) -> None:
    http = connect(GrantRequest("persons"))
    for ending in ("", "/records", *(f"/records.{one.suffix}" for one in EXPORT_FORMATS), "/records/kW10"):
        hidden, unknown = (http.get(f"/api/v1/datasets/{name}{ending}") for name in ("flights", "nothing"))
        assert (hidden.status_code, body_of(hidden)) == (404, body_of(unknown))
    assert [item["name"] for item in http.get("/api/v1/datasets").json()["datasets"]] == ["persons"]


def test_a_revoked_client_is_refused_at_its_next_request(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(FLIGHTS)
    assert http.get(PATH).status_code == 200
    assert Key.objects.get().last_used_on is not None
    client_revoke(Client.objects.get().name)
    assert http.get(PATH).status_code == 401


def test_a_request_needs_one_query_for_the_key_and_one_for_the_page(flights: AppliedDataset, connect: Connect) -> None:
    def reads() -> list[float]:
        name = f"{DATABASE_SECONDS.name}_count"
        labels = ({"alias": alias, "operation": "read"} for alias in ("default", "reader"))
        return [REGISTRY.get_sample_value(name, label) or 0.0 for label in labels]

    http = connect(FLIGHTS)
    http.get(PATH)
    before = reads()
    assert http.get(PATH).status_code == 200
    assert [after - earlier for after, earlier in zip(reads(), before, strict=True)] == [1, 1]


def test_requests_of_one_shape_share_their_sql_and_not_their_values(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(FLIGHTS)
    for carrier in ("UA", "AA", "B6"):
        url = f"{PATH}?carrier[in]={carrier},{carrier}&tailnum[isnull]=true&order=arr_delay&limit=11"
        records = [record for page in walk(http, url) for record in page]
        assert {record["carrier"] for record in records} == {carrier}
        assert len(records) == len({record["_id"] for record in records}) > 100
    assert http.get(f"{PATH}?carrier=UA&tailnum[isnull]=false").json()["records"] == []
    assert len(http.get(f"{PATH}?carrier=UA&tailnum[isnull]=true").json()["records"]) == 100


@pytest.mark.parametrize("order", ["_id", "-_id", "arr_delay", "-arr_delay", "time_hour", "-time_hour"])
def test_pagination_returns_every_record_once_in_order(flights: AppliedDataset, connect: Connect, order: str) -> None:
    http = connect(FLIGHTS)
    pages = walk(http, f"{PATH}?limit=37&order={order}&fields=arr_delay,time_hour,flight")
    assert [len(page) for page in pages] == [37] * 13 + [19]
    records = [record for page in pages for record in page]
    assert len({record["flight"] for record in records}) == len({record["_id"] for record in records}) == 500
    column = {"_id": "time_hour"}.get(order.strip("-"), order.strip("-"))
    keys = [(record[column] is None, record[column] or 0) for record in records]
    assert keys == sorted(keys, reverse=order.startswith("-"))


@pytest.mark.parametrize("order", ["arr_delay", "-arr_delay", "_id", "-_id"])
def test_pagination_during_inserts_returns_existing_records_exactly_once(
    flights: AppliedDataset, connect: Connect, station: Station, order: str
) -> None:
    http, url = connect(FLIGHTS), f"{PATH}?limit=23&order={order}&fields=flight"
    found: list[int] = []
    first = itertools.count(1000, 20)
    with station.connect("ingest") as connection:
        while url:
            response = http.get(url).json()
            found += [record["flight"] for record in response["records"]]
            url = response["next"]
            add_flights(connection, start := next(first), start + (19 if start < 3000 else -1))
    there = [flight for flight in found if flight < 1000]
    assert sorted(there) == list(range(1, 501))
    assert len(found) == len(set(found)) > 500


def test_filters_apply_to_every_page(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(FLIGHTS)
    text = "carrier[in]=UA,AA&time_hour[gte]=2013-01-02T00:00:00Z&time_hour[lt]=2013-01-03T00:00:00%2B00:00"
    records = [record for page in walk(http, f"{PATH}?{text}&limit=5") for record in page]
    everything = [record for page in walk(http, PATH) for record in page]
    expected = [
        record
        for record in everything
        if record["carrier"] in {"UA", "AA"} and record["time_hour"].startswith("2013-01-02")
    ]
    assert records == expected != []
    others = http.get(f"{PATH}?carrier[ne]=UA&limit=1000").json()["records"]
    assert {record["carrier"] for record in others} == {"AA", "B6"}
    assert len(http.get(f"{PATH}?tailnum[isnull]=true&limit=1000").json()["records"]) == 500
    assert len(http.get(f"{PATH}?tailnum[ne]=N1&limit=1000").json()["records"]) == 500
    assert http.get(f"{PATH}?tailnum[isnull]=false").json() == {"records": [], "next": None}


def test_a_record_is_found_by_its_id(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(FLIGHTS)
    record = http.get(f"{PATH}?limit=2").json()["records"][1]
    one = http.get(f"{PATH}/{record['_id']}")
    assert (one.json(), one["ETag"]) == (record, '"1"')
    assert http.get(f"{PATH}/{record['_id']}?fields=flight").json().keys() == {"_id", "flight"}
    assert http.get(f"{PATH}/{record['_id']}?fields=_id").json() == {"_id": record["_id"]}
    for other in ("kW10", "k", "x", "kWyJhIl0", record["_id"][:-3], quote("ü/…"), "%00", "k" + "A" * 3000):
        assert http.get(f"{PATH}/{other}").status_code == 404


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("colour=red", "colour", "no field 'colour'; filters: carrier, tailnum, origin, dest, time_hour"),
        ("distance=100", "distance", "'distance' has no index for filtering"),
        ("carrier[like]=U", "carrier[like]", "unknown lookup; lookups: eq, ne, gt"),
        ("time_hour[gte]=yesterday", "time_hour[gte]", "not a time such as"),
        ("limit=0", "limit", "from 1 to 1000"),
        ("limit=1001", "limit", "from 1 to 1000"),
        ("limit=٣", "limit", "from 1 to 1000"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("fields=flight,colour", "fields", "no field 'colour'"),
        ("order=distance", "order", "'arr_delay'"),
        ("order=arr_delay,-flight", "order", "no such order"),
        ("cursor=abc", "cursor", "different query"),
        ("carrier=%00", "carrier", "U+0000"),
        ("limit=1&carrier=%FF", "carrier", "not valid UTF-8"),
        ("carrier=%C3%28", "carrier", "not valid UTF-8"),
        ("tailnum[isnull]=perhaps", "tailnum[isnull]", "for 'tailnum[isnull]' (text) is not true or false"),
        ("_deleted=true", "_deleted", "no field"),
    ],
)
def test_an_invalid_parameter_is_named_with_the_allowed_values(
    flights: AppliedDataset, connect: Connect, query: str, parameter: str, message: str
) -> None:
    refused = connect(FLIGHTS).get(f"{PATH}?{query}")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert refused.json()["parameter"] == parameter
    assert message in refused.json()["detail"]


def test_a_cursor_of_a_different_query_is_rejected(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(FLIGHTS)
    cursor = http.get(f"{PATH}?limit=1&carrier=UA").json()["next"].rpartition("cursor=")[2]
    assert http.get(f"{PATH}?limit=9&carrier=UA&fields=flight&cursor={cursor}").status_code == 200
    for other in ("carrier=AA", "order=arr_delay&carrier=UA", "carrier[ne]=UA", ""):
        assert http.get(f"{PATH}?{other}&cursor={cursor}").json()["parameter"] == "cursor"
    assert http.get(f"{PATH}?carrier=UA&cursor={cursor[:-2]}AA").status_code == 400


def test_an_empty_page_is_the_last(flights: AppliedDataset, connect: Connect) -> None:
    assert connect(FLIGHTS).get(f"{PATH}?carrier=XX").json() == {"records": [], "next": None}


COLUMNS = ("carrier", "flight", "dest")


@pytest.mark.parametrize("hidden", ["arr_delay", "time_hour", "origin", "tailnum", "distance"])
def test_a_hidden_column_behaves_like_an_unknown_one(flights: AppliedDataset, connect: Connect, hidden: str) -> None:
    http = connect(GrantRequest("flights", columns=COLUMNS))
    queries = [f"{{0}}[{lookup.name}]=1" for lookup in LOOKUPS]
    queries += ["{0}=1", "{0}=2013-01-01T00:00Z", "order={0}", "order=-{0}", "fields={0}", "fields=carrier,{0}"]
    for query, path in itertools.product(queries, (PATH, *FILES)):
        asked, nothing = (http.get(f"{path}?{query.format(name)}") for name in (hidden, "nothing"))
        assert asked.status_code == 400
        assert body_of(asked).replace(hidden, "nothing") == body_of(nothing)


def test_hidden_columns_stay_hidden_everywhere(flights: AppliedDataset, connect: Connect) -> None:
    http = connect(GrantRequest("flights", columns=COLUMNS))
    pages = walk(http, f"{PATH}?limit=90")
    records = [record for page in pages for record in page]
    assert len({record["_id"] for record in records}) == 500
    assert all(set(record) == {"_id", *COLUMNS} for record in records)
    one = http.get(f"{PATH}/{records[7]['_id']}")
    assert one.json() == records[7]
    for file_format in EXPORT_FORMATS:
        rows = READERS[file_format.suffix](http.get(f"{PATH}.{file_format.suffix}").getvalue(), ())
        assert [list(row) for row in rows] == [list(COLUMNS)] * 500
    description = http.get("/api/v1/datasets/flights").json()
    assert [field["name"] for field in description["fields"]] == list(COLUMNS)
    assert (description["filters"], description["orders"], description["event_time"]) == (
        ["carrier", "dest"],
        ["_id"],
        None,
    )
    assert b"time_hour" not in http.get("/api/v1/datasets/flights").content


def test_a_plaintext_id_is_rejected_where_the_key_is_hidden(flights: AppliedDataset, connect: Connect) -> None:
    unrestricted, restricted = connect(FLIGHTS), connect(GrantRequest("flights", columns=COLUMNS))
    clear = unrestricted.get(f"{PATH}?limit=1").json()["records"][0]["_id"]
    sealed = restricted.get(f"{PATH}?limit=1").json()["records"][0]["_id"]
    assert (clear[0], sealed[0]) == ("k", "s")
    assert restricted.get(f"{PATH}/{clear}").status_code == 404
    assert unrestricted.get(f"{PATH}/{sealed}").status_code == 404
    assert restricted.get(f"{PATH}/{sealed}").status_code == 200


def test_restricted_fields_need_a_grant_that_names_them(
    persons: AppliedDataset, connect: Connect, station: Station
) -> None:
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.persons (person_id, given_name, family_name, passport_number, _source, _offset,"
            " _batch, _at, _rev) VALUES (gen_random_uuid(), 'A', 'B', 'P-1', 1, 1, 1, now(), 1)"
        )
        connection.commit()
    path = "/api/v1/datasets/persons/records"
    usual = connect(GrantRequest("persons")).get(path).json()["records"][0]
    named = connect(GrantRequest("persons", columns=("passport_number",))).get(path).json()["records"][0]
    assert not {"passport_number", "date_of_birth"} & usual.keys()
    assert named.keys() == {"_id", "passport_number"}


def test_a_new_contract_version_applies_from_the_next_request(
    flights: AppliedDataset, connect: Connect, station: Station
) -> None:
    http = connect(FLIGHTS)
    document = {**flights.document}
    assert "gate" not in http.get(f"{PATH}?limit=1").json()["records"][0]
    schema = dict(document["schema"][0])
    schema["properties"] = [*schema["properties"], {"name": "gate", "logicalType": "string"}]
    station.apply({**document, "schema": [schema]})
    assert http.get(f"{PATH}?limit=1").json()["records"][0]["gate"] is None


def test_an_unavailable_database_is_reported(
    flights: AppliedDataset, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = connect(FLIGHTS)
    http.get(PATH)
    monkeypatch.delitem(connections.settings, "reader")
    connections["reader"].close()
    del connections["reader"]
    unavailable = http.get(PATH)
    assert (unavailable.status_code, unavailable["Retry-After"], unavailable.json()["status"]) == (503, "5", 503)


def test_contracts_with_hostile_names_are_read_and_filtered(station: Station, connect: Connect) -> None:
    names = ["limit", "select", "a b", "Ümläut", "it's", "😀", "check", "objects", "a;drop table", "id", "pk", "f0"]
    dataset = "odd name's"
    schema = {
        "name": dataset,
        "physicalName": "odd",
        "properties": [{"name": name, "logicalType": "string"} for name in names],
        "customProperties": [{"property": "filters", "value": names}, {"property": "orders", "value": names}],
    }
    station.apply({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "urn:odd", "version": "1.0.0", "status": "active",
        "schema": [schema],
    })  # fmt: skip
    columns = ", ".join('"' + name + '"' for name in names)
    with station.connect("ingest") as connection:
        connection.execute(
            f'INSERT INTO data."odd name\'s" ({columns}, _source, _offset, _batch)'
            f" SELECT {', '.join(['n::text'] * len(names))}, 1, n, 1 FROM generate_series(1, 9) AS n"
        )
        connection.commit()
    http = connect(GrantRequest("odd name's"))
    path = f"/api/v1/datasets/{quote(dataset, safe='')}/records"
    for name in names:
        records = http.get(path, {f"{name}[eq]": "4"}).json()["records"]
        assert [record[name] for record in records] == ["4"]
        ordered = walk(http, f"{path}?order=-{quote(name)}&limit=4")
        assert [record[name] for page in ordered for record in page] == list("987654321")
    for one in EXPORT_FORMATS:
        rows = READERS[one.suffix](http.get(f"{path}.{one.suffix}").getvalue(), ())
        assert [list(row) for row in rows] == [names] * 9
