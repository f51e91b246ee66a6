"""No way out shows a hidden value: every classification, nesting and URL.

The URLs are those of the URLconf, so a new one is tested automatically. What needs parameters, or is not a URL, is in
WAYS.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver
from prometheus_client import REGISTRY, generate_latest

from apps.api.clients.services import GrantRequest, client_create
from apps.api.exports.formats import EXPORT_FORMATS
from apps.api.records.core.lookups import LOOKUPS
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.ingest.models import Quarantine, Source
from tests.gateway import Http
from tests.integration.classification.world import COLUMNS, HUSH, KEY, MOMENT, OPEN, fill, raw
from tests.station import Station

HIDDEN: Final = re.compile(rf"hush\d{{4}}z|{KEY}\d|2021-07-0[78]|Jul\S* 8, 2021|{MOMENT}")
API: Final = "/api/v1/datasets"
FILES: Final = tuple(f"records.{one.suffix}" for one in EXPORT_FORMATS)
REFUSALS: Final = (("unknown_field", ""), ("too_deep", ""), ("refused_by_database", "22P02"))
"""Reasons and SQLSTATEs of records whose messages quote them: the name of a member comes from the record."""


@dataclass(frozen=True)
class World:
    """Three datasets with rows and a rejected record each, a client with plain grants, a viewer and a steward."""

    datasets: dict[str, AppliedDataset]
    http: Client
    viewer: Client
    steward: Client
    station: Station


@pytest.fixture(scope="module")
def world(module_station: Station) -> World:
    """Created once: its contracts are large, and the tests only read, or write a record that no other test uses."""
    return made(module_station)


def made(station: Station) -> World:
    datasets = fill(station)
    grants = [GrantRequest("vault", may_write=True), GrantRequest("sealed"), GrantRequest("locked")]
    _, key = client_create("plain", grants)
    for dataset in datasets.values():
        refused(dataset)
        batch(dataset)
    http = Http(headers={"Authorization": f"Bearer {key}"})
    return World(datasets, http, person("viewer"), person("steward"), station)


def person(group: str) -> Client:
    user = User.objects.create_user(f"a {group}", password="irrelevant here", is_staff=True)
    user.groups.set([Group.objects.get(name=group)])
    client = Client()
    client.force_login(user)
    return client


def refused(dataset: AppliedDataset) -> None:
    """Quarantined records with hidden values in key, value, headers and message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_source (dataset_id, topic, topic_id, partition, next_offset)"
            " VALUES (%s, %s, 't', 0, 9) RETURNING id",
            (dataset.id, dataset.name),
        )
        source = cursor.fetchone()[0]
        for offset, (reason, state) in enumerate(REFUSALS):
            cursor.execute(
                'INSERT INTO ingest_quarantine (dataset_id, source_id, "offset", topic, partition, key, value,'
                " headers, field, reason, message, faults, sqlstate, contract_version, batch_id)"
                " VALUES (%s, %s, %s, 'topic',"
                " 0, %s, %s, %s, 'hush0000z', %s, 'invalid: \"hush0000z\"',"
                ' \'[{"field": "hush0000z", "reason": "unknown_field", "message": "hush0000z"}]\', %s, 1, 1)',
                (dataset.id, source, offset, b"hush0000z", raw(), '[["trace", "hush0000z"]]', reason, state),
            )


def batch(dataset: AppliedDataset) -> None:
    """A ledger batch with the event times of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO datasets_batch (day, id, dataset_id, version, source_id, first_offset, last_offset,"
            " rows, rejects, bytes, worker, committed_at, min_event_time, max_event_time) SELECT"
            " (now() AT TIME ZONE 'UTC')::date, 2000000000 + %s, %s, 1, 1, 0, 2,"
            " 3, 0, 9, 'worker', now(), %s, %s",
            (dataset.id, dataset.id, MOMENT, MOMENT),
        )


def text_of(answer: Any) -> str:
    body = answer.getvalue() if answer.streaming else answer.content
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    return f"{headers}\n{body.decode()}"


def routes() -> Iterator[str]:
    """Every route of the URLconf."""

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for one in patterns:
            if isinstance(one, URLPattern):
                yield prefix + str(one.pattern)
            else:
                yield from walk(one.url_patterns, prefix + str(one.pattern))

    yield from walk(get_resolver().url_patterns, "")


def urls(world: World) -> Iterator[str]:
    """Every route with every dataset, record and object it can be about."""
    about = {
        "admin/datasets/dataset/": [dataset.id for dataset in world.datasets.values()],
        "admin/ingest/quarantine/": list(Quarantine.objects.values_list("pk", flat=True)),
        "admin/ingest/source/": list(Source.objects.values_list("pk", flat=True)),
    }
    for route in routes():
        if "^" in route or "$" in route:  # the catch-all
            continue
        ids = next((found for prefix, found in about.items() if route.startswith(prefix)), [1])
        for name, dataset in world.datasets.items():
            plain = f"/{route}".replace("<str:name>", name).replace("<path:name>", name)
            plain = plain.replace("<path:content_type_id>", "1").replace("<id>", "1")
            if "<str:record_id>" in plain:
                records = json.loads(world.http.get(f"{API}/{name}/records").content)["records"]
                yield from (plain.replace("<str:record_id>", record["_id"]) for record in records)
            elif "<path:object_id>" in plain:
                yield from (plain.replace("<path:object_id>", str(one)) for one in ids)
            else:
                yield plain
            assert dataset.name == name


def test_no_url_shows_a_hidden_value(world: World) -> None:
    asked, leaks = 0, {}
    for url in dict.fromkeys(urls(world)):
        assert "<" not in url, f"say what {url} is asked for"
        client = world.http if url.startswith("/api/") else world.viewer
        answer = client.get(url)
        asked += answer.status_code == 200
        if found := sorted(set(HIDDEN.findall(text_of(answer)))):
            leaks[url] = found
    assert leaks == {}
    assert asked > 40


Way = Callable[[World], Iterator[str]]


def pages(world: World) -> Iterator[str]:
    """Pages of one record, to the last, in each order."""
    for name in world.datasets:
        orders = json.loads(world.http.get(f"{API}/{name}").content)["orders"]
        for order in [*orders, *(f"-{order}" for order in orders if "-" not in order)]:
            url: str | None = f"{API}/{name}/records?limit=1&order={order}"
            while url:
                answer = world.http.get(url)
                assert answer.status_code == 200
                yield text_of(answer)
                url = json.loads(answer.content)["next"]


def asked_by_name(world: World) -> Iterator[str]:
    """Hidden columns named in every parameter: each is rejected as unknown."""
    for column in HUSH:
        queries = [f"fields={column.name}", f"{column.name}[isnull]=false"]
        if column.scalar:
            queries += [f"order={column.name}", f"order=-{column.name}", f"{column.name}=x"]
            queries += [f"{column.name}[{lookup.name}]=hush" for lookup in LOOKUPS]
        for query in queries:
            for path in ("records", *FILES) if column.scalar else ("records",):
                answer = world.http.get(f"{API}/vault/{path}?{query}")
                assert answer.status_code == 400, f"{query} is answered"
                yield text_of(answer)


def exports(world: World) -> Iterator[str]:
    """Files of all columns in every format, and in an order."""
    for name in world.datasets:
        for file in FILES:
            yield text_of(world.http.get(f"{API}/{name}/{file}"))
            yield text_of(world.http.get(f"{API}/{name}/{file}?order=_id"))


def writes(world: World) -> Iterator[str]:
    """Responses to every write, valid and invalid."""
    for body in ({"id": 1}, {"id": 77}, {"id": "x"}, *({"id": 78, one.name: one.value} for one in HUSH[::7])):
        yield text_of(world.http.post(f"{API}/vault/records", json.dumps(body), content_type="application/json"))
    one = json.loads(world.http.get(f"{API}/vault/records?id=77").content)["records"][0]["_id"]
    for send in (world.http.put, world.http.patch):
        answer = send(f"{API}/vault/records/{one}", "{}", content_type="application/json")
        assert answer.status_code == 200, text_of(answer)
        yield text_of(answer)
    yield text_of(world.http.delete(f"{API}/vault/records/{one}"))


def analysts(world: World) -> Iterator[str]:
    """All rows of all views, as the analysts' role."""
    with world.station.connect("analyst") as analyst:
        for name in world.datasets:
            yield str(analyst.execute(f"SELECT row_to_json(v) FROM analyst.{name} v".encode()).fetchall())


def commands(world: World) -> Iterator[str]:
    """The output of `datasets`."""
    for words in (("list",), *((action, name) for action in ("show", "export") for name in world.datasets)):
        out = StringIO()
        call_command("datasets", *words, stdout=out)
        yield out.getvalue()


def measurements(world: World) -> Iterator[str]:
    """The metrics afterwards."""
    for way in (pages, exports, writes):
        list(way(world))
    yield generate_latest(REGISTRY).decode()


def quarantine_lookups(world: World) -> Iterator[str]:
    """Columns of the quarantine compared through the list's URL, which Django allows by default."""
    for query in (
        "headers__icontains=hush",
        "headers__0__1__startswith=hush",
        "value__gt=a",
        "key__isnull=False",
        "message__contains=hush",
        "field__startswith=hush",
        "dataset__versions__document__contains=hush",
    ):
        answer = world.viewer.get(f"/admin/ingest/quarantine/?{query}")
        assert answer.status_code == 400, f"{query} is answered"
        yield text_of(answer).replace(query, "")


WAYS: Final[dict[str, tuple[Way, bool]]] = {
    "pages in every order": (pages, True),
    "parameters that name hidden columns": (asked_by_name, False),
    "exports": (exports, True),
    "writes": (writes, False),
    "views of analysts": (analysts, True),
    "commands": (commands, False),
    "metrics": (measurements, False),
    "lookups of the quarantine": (quarantine_lookups, False),
}
"""Each way out, and whether it shows open columns."""


@pytest.mark.parametrize("name", WAYS)
def test_no_other_way_out_shows_a_hidden_value(world: World, name: str) -> None:
    way, opens = WAYS[name]
    output = "\n".join(way(world))
    assert not sorted(set(HIDDEN.findall(output)))
    if opens:
        assert [column.marker for column in OPEN if column.marker not in output] == []
        assert "openname" in output


def test_a_grant_that_names_hidden_columns_shows_them(world: World) -> None:
    _, key = client_create("named", [GrantRequest("vault", columns=tuple(column.name for column in COLUMNS))])
    output = text_of(Http(headers={"Authorization": f"Bearer {key}"}).get(f"{API}/vault/records"))
    assert [column.marker for column in COLUMNS if column.marker not in output] == []


def test_a_steward_sees_the_record_and_what_its_message_quotes(world: World) -> None:
    for record in Quarantine.objects.filter(dataset_id=world.datasets["vault"].id):
        output = text_of(world.steward.get(f"/admin/ingest/quarantine/{record.pk}/change/"))
        assert all(column.marker in output for column in COLUMNS)
        assert "invalid: &quot;hush0000z&quot;" in output


def test_sealed_ids_lead_to_their_records(world: World) -> None:
    for name in ("sealed", "locked"):
        records = json.loads(world.http.get(f"{API}/{name}/records").content)["records"]
        assert len({record["_id"] for record in records}) == 3
        for record in records:
            assert record["_id"][0] == "s"
            assert json.loads(world.http.get(f"{API}/{name}/records/{record['_id']}").content) == record
