"""Responses are bounded in size: pages end early, records omit large fields, and nothing is lost."""

import json
from functools import partial
from typing import Any

import pytest

from apps.api.clients.services import GrantRequest
from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.records import writes
from apps.datasets.core.document.applied_dataset import AppliedDataset
from tests.documents import document, prop
from tests.gateway import Http
from tests.integration.api.conftest import Connect
from tests.integration.api.exported import READERS
from tests.integration.api.test_races import concurrently
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/large/records"
BYTES = 65_536
FIELDS = ("doc", "items", "number", "numbers", "note", "word", "notes", "raw", "small")
BOMB = "(SELECT jsonb_build_object('a', jsonb_agg(1e131000)) FROM generate_series(1, {0}))"
"""A document of this many numbers, each ten bytes in storage and 131,001 as text."""


@pytest.fixture
def large(station: Station, settings: Any) -> AppliedDataset:
    """A dataset whose types allow large values, and a low response limit."""
    settings.API = settings.API.model_copy(update={"max_response_bytes": BYTES})
    properties = [
        prop("k", primaryKey=True, primaryKeyPosition=1, required=True),
        prop("doc", "object", "jsonb"),
        prop("items", "array", "jsonb"),
        prop("number", "number", "numeric"),
        prop("numbers", "array", "numeric[]"),
        prop("note"),
        prop("word"),
        prop("notes", "array", "text[]"),
        prop("raw", "string", "bytea"),
        prop("small", "integer", "integer"),
    ]
    orders = ["small", "-small", "word,-small"]
    return station.apply(document("large", properties, mode="upsert", apiWrites=True, orders=orders))


@pytest.fixture
def http(large: AppliedDataset, connect: Connect) -> Http:
    return connect(GrantRequest("large", may_write=True))


def put(station: Station, key: str, **columns: str) -> None:
    """Insert a row. Column values are SQL expressions."""
    names = ", ".join(columns)
    with station.admin() as connection:
        connection.execute(
            f"INSERT INTO data.large (k, {names + ', ' if names else ''}_source, _offset, _batch, _at, _rev)"
            f" VALUES ('{key}', {''.join(f'{text}, ' for text in columns.values())}1, 1, 1, now(), 1)"
        )


def walk(http: Http, first_url: str) -> list[list[dict[str, Any]]]:
    """The records of all pages from this URL on. No response exceeds the limit by more than 2 KiB."""
    pages = []
    url: str | None = first_url
    while url:
        response = http.get(url)
        assert response.status_code == 200, response.content[:500]
        assert len(response.content) <= BYTES + 2048
        pages.append(response.json()["records"])
        url = response.json()["next"]
    return pages


LARGE = {
    "one number of many digits": ("number", "1e131000"),
    "one number of many decimals": ("number", "'1e-16000'::numeric + '1e100000'::numeric"),
    "numbers": ("numbers", "ARRAY[1e131000, NULL, 1e131000]"),
    "zeros of many decimals": ("numbers", "array_fill('0e-16383'::numeric, ARRAY[1000])"),
    "a document that is small in storage": ("doc", BOMB.format(40)),
    "a document of many long numbers": ("doc", BOMB.format(8000)),
    "a document of zeros with many decimals": (
        "doc",
        "(SELECT jsonb_build_object('a', jsonb_agg('0e-16383'::numeric)) FROM generate_series(1, 8000))",
    ),
    "long numbers deep inside": (
        "items",
        f"(SELECT jsonb_build_array(1, jsonb_build_object('x', jsonb_build_array({BOMB.format(2000)}))))",
    ),
    "text": ("note", "repeat('ä', 3000000)"),
    "text that expands when it is escaped": ("note", "repeat(chr(1), 30000)"),
    "texts": ("notes", "array_fill('x'::text, ARRAY[100000])"),
    "nulls": ("notes", "array_fill(NULL::text, ARRAY[200000])"),
    "bytes": ("raw", "decode(repeat('ab', 2000000), 'hex')"),
    "a large plain document": ("items", "(SELECT jsonb_agg(n) FROM generate_series(1, 50000) AS n)"),
}


@pytest.mark.parametrize(("field", "value"), LARGE.values(), ids=LARGE.keys())
def test_a_record_above_the_limit_is_returned_alone_and_lists_its_omitted_fields(
    http: Http, station: Station, field: str, value: str
) -> None:
    for key in ("a", "c"):
        put(station, key, small="1")
    put(station, "b", small="2", **{field: value})
    pages = walk(http, f"{PATH}?limit=5")
    assert [[record["k"] for record in page] for page in pages] == [["a"], ["b"], ["c"]]
    alone = pages[1][0]
    assert alone["_omitted"] == [field]
    assert set(alone) == {"_id", "_omitted", "k", *FIELDS} - {field}
    assert alone["small"] == 2
    url = f"{PATH}/{alone['_id']}"
    assert http.get(url).json() == alone
    assert http.get(f"{url}?fields=small").json() == {"_id": alone["_id"], "small": 2}
    refused = http.get(f"{url}?fields={field}")
    assert (refused.status_code, refused.json()["type"]) == (400, "/api/problems#response-too-large")
    assert refused.json()["field"] == field
    assert [page[0] for page in walk(http, f"{PATH}?fields={field}") if "_omitted" in page[0]] == [
        {"_id": alone["_id"], "_omitted": [field]}
    ]


def test_a_field_that_fits_alone_is_returned_on_request(http: Http, station: Station) -> None:
    put(station, "a", note="repeat('n', 40000)", notes="ARRAY[repeat('m', 50000)]", small="1")
    record = http.get(PATH).json()["records"][0]
    assert record["_omitted"] == ["notes"]
    assert len(record["note"]) == 40_000
    alone = http.get(f"{PATH}/{record['_id']}?fields=notes")
    assert len(alone.json()["notes"][0]) == 50_000
    both = http.get(f"{PATH}/{record['_id']}?fields=note,notes").json()
    assert both["_omitted"] == ["notes"]


@pytest.mark.parametrize("order", ["_id", "-_id", "small", "-small", "word,-small", "-word,small"])
@pytest.mark.parametrize("limit", [3, 1000])
def test_every_record_is_returned_exactly_once_even_if_pages_end_early(
    http: Http, station: Station, order: str, limit: int
) -> None:
    with station.admin() as connection:
        connection.execute(
            "INSERT INTO data.large (k, word, notes, small, _source, _offset, _batch, _at, _rev)"
            " SELECT n::text, nullif(left('ab', n % 3), ''), ARRAY[repeat('x', 1500 * (n % 7))],"
            " nullif(n % 5, 0), 1, n, 1, now(), 1 FROM generate_series(1, 120) AS n"
        )
        connection.execute("UPDATE data.large SET numbers = ARRAY[1e131000] WHERE _offset IN (1, 50, 51, 120)")
        connection.execute("UPDATE data.large SET numbers = array_fill(1.5, ARRAY[900]) WHERE _offset % 11 = 0")
    pages = walk(http, f"{PATH}?order={order}&limit={limit}")
    keys = [record["k"] for page in pages for record in page]
    assert sorted(keys) == sorted(str(number) for number in range(1, 121))
    assert all(len(page) == 1 for page in pages if any("_omitted" in record for record in page))
    assert sum("_omitted" in record for page in pages for record in page) == 4
    assert max(map(len, pages)) > 1


def test_a_page_of_large_documents_is_not_generated_completely(http: Http, station: Station) -> None:
    with station.admin() as connection:
        connection.execute(
            "WITH one AS MATERIALIZED (SELECT jsonb_agg(md5(m::text)) AS doc FROM generate_series(1, 27000) AS m)"
            " INSERT INTO data.large (k, items, _source, _offset, _batch, _at, _rev)"
            " SELECT n::text, doc, 1, n, 1, now(), 1 FROM one, generate_series(1, 60) AS n"
        )
    response = http.get(f"{PATH}?limit=1000").json()
    assert [record["_omitted"] for record in response["records"]] == [["items"]]
    assert response["next"]


def test_numbers_of_256_bits_are_not_omitted(http: Http, station: Station) -> None:
    big = 2**256 - 1
    put(station, "a", items=f"(SELECT jsonb_agg({big}) FROM generate_series(1, 700))", numbers=f"ARRAY[{big}, {big}]")
    text = http.get(PATH).content.decode()
    assert text.count(str(big)) == 702
    assert "_omitted" not in text


def test_the_response_to_a_write_is_bounded_too(http: Http, station: Station) -> None:
    note = "n" * 70_000
    created = http.post(PATH, json.dumps({"k": "a", "note": note, "small": 1}), content_type="application/json")
    assert (created.status_code, created["ETag"]) == (201, '"1"')
    assert created.json()["_omitted"] == ["note"]
    assert created.json()["small"] == 1
    changed = http.patch(created["Location"], '{"small": 2}', content_type="application/json")
    assert (changed.status_code, changed.json()["small"], changed.json()["_omitted"]) == (200, 2, ["note"])
    with station.connect("reader") as connection:
        assert connection.execute("SELECT note, small FROM data.large").fetchone() == (note, 2)


def test_a_record_with_omitted_fields_cannot_be_put_back(http: Http, station: Station) -> None:
    put(station, "a", note="repeat('n', 70000)", small="1")
    read = http.get(PATH).json()["records"][0]
    url = f"{PATH}/{read['_id']}"
    for refused in (
        http.put(url, json.dumps(read), content_type="application/json"),
        http.post(PATH, json.dumps({**read, "_id": None}), content_type="application/json"),
    ):
        assert (refused.status_code, refused.json()["field"]) == (422, "_omitted")
    patched = http.patch(url, json.dumps({**read, "small": 3}), content_type="application/json")
    assert patched.status_code == 200
    with station.connect("reader") as connection:
        assert connection.execute("SELECT length(note), small FROM data.large").fetchone() == (70_000, 3)


@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
def test_a_record_too_large_to_read_can_be_replaced(http: Http, station: Station, kind: str) -> None:
    put(station, "a", doc=BOMB.format(4000), small="1")
    url = f"{PATH}/{http.get(PATH).json()['records'][0]['_id']}"
    refused = http.patch(url, '{"small": 2}', content_type=kind)
    assert (refused.status_code, refused.json()["reason"]) == (422, "too_large")
    replaced = http.patch(url, '{"doc": {"b": 1}}', content_type="application/json")
    assert (replaced.status_code, replaced.json()["doc"]) == (200, {"b": 1})
    with station.admin() as connection:
        connection.execute(f"UPDATE data.large SET doc = {BOMB.format(4000)}")
    assert http.put(url, '{"small": 2}', content_type="application/json").json()["doc"] is None
    with station.admin() as connection:
        connection.execute(f"UPDATE data.large SET doc = {BOMB.format(4000)}")
    assert http.delete(url).status_code == 204


@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("doc", BOMB.format(400)),
        ("items", "(SELECT jsonb_agg(1e131000) FROM generate_series(1, 130))"),
        ("numbers", "array_fill(1e131000, ARRAY[200])"),
        ("note", "repeat('n', 20000000)"),
    ],
)
def test_a_patch_that_would_keep_too_much_names_the_field_and_the_next_step(
    http: Http, station: Station, kind: str, field: str, value: str
) -> None:
    put(station, "a", small="1", word="'w'", **{field: value})
    url = f"{PATH}/{http.get(PATH).json()['records'][0]['_id']}"
    refused = http.patch(url, '{"small": 2}', content_type=kind)
    assert (refused.status_code, refused.json()["reason"], refused.json()["field"]) == (422, "too_large", field)
    detail = refused.json()["detail"]
    assert f"PATCH {field!r} too" in detail
    assert "PUT" in detail
    assert not any(char.isdigit() for char in detail)
    replaced = http.patch(url, f'{{"small": 2, "{field}": null}}', content_type=kind)
    assert replaced.status_code == 200
    assert (replaced.json()["small"], replaced.json()["word"], replaced.json()[field]) == (2, "w", None)


def test_a_hidden_field_that_is_too_large_is_not_named(http: Http, station: Station, connect: Connect) -> None:
    put(station, "a", small="1", doc=BOMB.format(400))
    narrow = connect(GrantRequest("large", may_write=True, columns=("k", "small")))
    url = f"{PATH}/{narrow.get(PATH).json()['records'][0]['_id']}"
    for method in (narrow.patch, narrow.put):
        refused = method(url, '{"small": 2}', content_type="application/json")
        assert (refused.status_code, refused.json()["reason"]) == (422, "too_large")
        assert "doc" not in refused.content.decode()


def test_large_records_can_be_patched_concurrently(http: Http, station: Station, settings: Any) -> None:
    settings.API = settings.API.model_copy(
        update={"lock_timeout_s": 60}
    )  # six serialized writes, on a machine that may be busy
    for key in "abc":
        put(station, key, small="1", note="repeat('n', 5000000)", raw="repeat('r', 3000000)::bytea")
    urls = [f"{PATH}/{record['_id']}" for record in http.get(f"{PATH}?fields=_id,k").json()["records"]]
    changes = [partial(http.patch, each, '{"small": 2}', content_type="application/json") for each in urls * 2]
    assert {response.status_code for response in concurrently(changes)} == {200}
    with station.connect("reader") as connection:
        rows = connection.execute("SELECT DISTINCT length(note), length(raw), small, _rev FROM data.large").fetchall()
    assert rows == [(5_000_000, 3_000_000, 2, 3)]


def test_a_large_record_waits_no_longer_than_the_lock_timeout(http: Http, station: Station, settings: Any) -> None:
    put(station, "a", small="1", note="repeat('n', 2000000)")
    url = f"{PATH}/{http.get(f'{PATH}?fields=_id').json()['records'][0]['_id']}"
    settings.API = settings.API.model_copy(update={"lock_timeout_s": 0.01})
    with writes.LARGE:
        busy = http.patch(url, '{"small": 2}', content_type="application/json")
    assert (busy.status_code, busy.json()["type"]) == (503, "/api/problems#record-locked")
    assert http.patch(url, '{"small": 2}', content_type="application/json").status_code == 200


@pytest.mark.parametrize("field", ["doc", "numbers"])
def test_an_export_of_an_oversized_value_is_rejected_with_its_field(http: Http, station: Station, field: str) -> None:
    put(
        station, "a", small="1", **{field: BOMB.format(4000) if field == "doc" else "array_fill(1e131000, ARRAY[600])"}
    )
    for one in EXPORT_FORMATS:
        refused = http.get(f"{PATH}.{one.suffix}")
        assert (refused.status_code, refused.json()["type"]) == (400, "/api/problems#response-too-large")
        assert refused.json()["field"] == field
        rest = http.get(f"{PATH}.{one.suffix}?fields=k,small").getvalue()
        assert READERS[one.suffix](rest, {"small"}) == [{"k": "a", "small": 1}]


def test_an_export_contains_large_values_that_a_page_omits(http: Http, station: Station) -> None:
    put(station, "a", note="repeat('n', 5000000)", items="(SELECT jsonb_agg(n) FROM generate_series(1, 50000) AS n)")
    for one in EXPORT_FORMATS:
        (record,) = READERS[one.suffix](http.get(f"{PATH}.{one.suffix}").getvalue(), {"items"})
        assert len(record["note"]) == 5_000_000
        assert record["items"][-1] == 50_000


@pytest.fixture
def named(station: Station, connect: Connect) -> Http:
    """A dataset whose key and order columns have unbounded length."""
    properties = [prop("k", primaryKey=True, primaryKeyPosition=1), prop("n", "number"), prop("word"), prop("note")]
    station.apply(document("large", properties, mode="upsert", apiWrites=True, orders=["word,-n", "-n"]))
    return connect(GrantRequest("large", may_write=True))


@pytest.mark.parametrize("order", ["_id", "-_id", "word,-n", "-word,n", "n", "-n"])
def test_the_next_url_is_short_however_long_the_last_record_is(named: Http, station: Station, order: str) -> None:
    long = {"a": "repeat('a', 60000)", "b": "repeat(chr(1), 20000)", "c": "repeat('é\"', 9000)", "d": "'d'"}
    for name, text in long.items():
        for number in ("NULL", "1e131000", "-1e-16000"):
            put(station, f"{name}{number}", word=text, n=number)
            put(station, f"' || {text} || '{name}{number}", n=number, word="NULL" if name == "d" else "'w'")
    keys: list[str] = []
    url: str | None = f"{PATH}?limit=1&order={order}&fields=k"
    while url:
        assert len(url) < 7_000
        response = named.get(url)
        assert response.status_code == 200, response.content[:500]
        keys += [record["k"] for record in response.json()["records"]]
        url = response.json()["next"]
    assert len(keys) == len(set(keys)) == 24


@pytest.mark.parametrize(
    ("kind", "large", "fitting"),
    [
        (("object",), BOMB.format(500), "'{\"a\": 1e300}'::jsonb"),
        (("array", "numeric[]"), "array_fill(1e131000, ARRAY[150])", "array_fill(1e300, ARRAY[9])"),
    ],
)
def test_values_that_are_small_individually_are_counted_together(
    station: Station, connect: Connect, settings: Any, kind: tuple[str, ...], large: str, fitting: str
) -> None:
    settings.API = settings.API.model_copy(update={"max_response_bytes": BYTES})
    names = [f"d{number}" for number in range(20)]
    properties = [prop("k", primaryKey=True, primaryKeyPosition=1), *(prop(name, *kind) for name in names)]
    station.apply(document("large", properties, mode="upsert", apiWrites=True))
    http = connect(GrantRequest("large", may_write=True))
    with station.admin() as connection:
        for key, value in (("a", fitting), ("b", large)):
            connection.execute(
                f"WITH one AS MATERIALIZED (SELECT {value} AS one)"
                f" INSERT INTO data.large (k, {', '.join(names)}, _source, _offset, _batch, _at, _rev)"
                f" SELECT '{key}', {', '.join(['one'] * len(names))}, 1, 1, 1, now(), 1 FROM one"
            )
    pages = http.get(PATH).json()
    next_records = http.get(pages["next"]).json()["records"]
    assert [record["k"] for record in (*pages["records"], *next_records)] == ["a", "b"]
    assert next_records[0]["_omitted"] == names
    assert http.get(f"{PATH}/{next_records[0]['_id']}").json() == next_records[0]
    for one in EXPORT_FORMATS:
        refused = http.get(f"{PATH}.{one.suffix}")
        assert (refused.status_code, refused.json()["type"]) == (400, "/api/problems#response-too-large")
        assert refused.json()["field"] in names
        assert http.get(f"{PATH}.{one.suffix}?k=a").getvalue().count(b"1" + b"0" * 300) >= len(names)


def test_a_record_whose_url_would_be_too_long_is_not_created(named: Http) -> None:
    fitting = named.post(PATH, json.dumps({"k": "a" * 5_000}), content_type="application/json")
    assert fitting.status_code == 201
    assert named.get(fitting["Location"]).json() == fitting.json()
    for key in ("a" * 5_300, "\x01" * 1_000, "é" * 20_000):
        refused = named.post(PATH, json.dumps({"k": key}), content_type="application/json")
        assert (refused.status_code, refused.json()["reason"], refused.json()["field"]) == (422, "out_of_range", "k")
    assert len(named.get(PATH).json()["records"]) == 1
