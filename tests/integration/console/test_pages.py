"""The pages of the admin: who may see them, what they say, and how many statements that costs."""

import re
import tracemalloc
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.console.adapters import activity
from apps.console.core.dataset_state import DatasetState
from apps.console.selectors import station_activity
from apps.datasets.adapters.table.preview import last_rows
from apps.datasets.models import Dataset
from apps.ingest.models import Quarantine
from tests.documents import document as flat
from tests.documents import prop
from tests.integration.console.conftest import Filled, LookAs, document
from tests.station import Station

LISTS = (
    "datasets_dataset",
    "ingest_quarantine",
    "ingest_source",
    "api_client",
    "api_key",
    "api_grant",
)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def page(dataset_id: int) -> str:
    return reverse("admin:datasets_dataset_change", args=[dataset_id])


@pytest.mark.parametrize("group", ["viewer", "steward"])
def test_viewers_and_stewards_see_every_page(filled: Filled, look_as: LookAs, group: str) -> None:
    dataset = filled.dataset("things")
    source = filled.source(dataset)
    filled.rows(dataset, 3)
    filled.batch(dataset, age_s=5)
    filled.rejects(dataset, source, [b"{"])
    client = look_as(group)
    for address in ("admin:index", *(f"admin:{name}_changelist" for name in LISTS)):
        assert client.get(reverse(address)).status_code == 200, address
    assert client.get(page(dataset.pk)).status_code == 200
    record = Quarantine.objects.get()
    assert client.get(reverse("admin:ingest_quarantine_change", args=[record.pk])).status_code == 200


def test_a_stranger_is_sent_to_the_login(filled: Filled) -> None:
    dataset = filled.dataset("things")
    addresses = [reverse("admin:index"), page(dataset.pk), *(reverse(f"admin:{name}_changelist") for name in LISTS)]
    for address in addresses:
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))


def test_staff_without_rights_learn_nothing(filled: Filled) -> None:
    dataset = filled.dataset("things")
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert "things" not in text_of(client.get(reverse("admin:index")))
    assert client.get(page(dataset.pk)).status_code == 403
    assert client.get(reverse("admin:ingest_quarantine_changelist")).status_code == 403


def test_an_empty_station_says_what_to_do(station: Station, look_as: LookAs) -> None:
    assert "datasets apply" in text_of(look_as("viewer").get(reverse("admin:index")))


def test_the_start_page_tells_each_datasets_state_and_figures(filled: Filled, look_as: LookAs) -> None:
    moving, late, stopped = (filled.dataset(name, latency_s=s) for name, s in (("a", None), ("b", 60), ("c", None)))
    filled.dataset("d")
    left = filled.dataset("e")
    filled.rows(moving, 25)
    filled.source(moving)
    filled.source(late)
    filled.source(left, attended=False)
    source = filled.source(stopped, trouble="offset 7 is gone")
    filled.batch(moving, age_s=2, rows=600, rejects=2)
    filled.batch(moving, age_s=3600, rows=9)
    filled.batch(late, age_s=300)
    filled.rejects(stopped, source, [b"{", None])
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE ingest_source SET updated_at = now() - interval '5 minutes' WHERE dataset_id = %s", [late.pk]
        )
    found = {one.dataset.name: one for one in station_activity().datasets}
    assert {name: one.state for name, one in found.items()} == {
        "a": DatasetState.ACTIVE,
        "b": DatasetState.LATE,
        "c": DatasetState.STOPPED,
        "d": DatasetState.EMPTY,
        "e": DatasetState.UNASSIGNED,
    }
    assert found["a"].rows_per_s == 10
    assert sum(found["a"].rows) == 600
    assert found["c"].open_rejects == 2
    shown = text_of(look_as("viewer").get(reverse("admin:index")))
    assert "offset 7 is gone" in shown
    assert re.findall(r'datasets/dataset/\d+/change/">(\w)</a>', shown) == ["c", "e", "b", "a", "d"]


def test_rejects_are_counted_up_to_a_bound(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_COUNTED_REJECTS", 3)
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [b"{"] * 9)
    assert activity.open_rejects([dataset.pk]) == {dataset.pk: 4}


def test_the_window_of_a_chart_has_edges(filled: Filled) -> None:
    dataset = filled.dataset("things")
    for age_s, rows in ((0, 1), (9.0, 2), (11, 4), (29.0, 8), (31, 16)):
        filled.batch(dataset, age_s=age_s, rows=rows)
    found = activity.batch_series([dataset.pk], step_s=10, steps=3)[dataset.pk]
    assert found.rows == (8, 4, 3)


def queries(client: Client, address: str) -> int:
    """Statements of a page, on all aliases, once everything that is kept in memory is there."""
    client.get(address)
    with (
        CaptureQueriesContext(connections["default"]) as default,
        CaptureQueriesContext(connections["reader"]) as reader,
    ):
        assert client.get(address).status_code == 200
    return len(default) + len(reader)


@pytest.mark.parametrize("address", ["admin:index", *(f"admin:{name}_changelist" for name in LISTS)])
def test_pages_cost_no_more_statements_when_there_is_more_to_show(
    filled: Filled, look_as: LookAs, address: str
) -> None:
    client, costs = look_as("steward"), []
    for round_number in range(2):
        for index in range(2 + 6 * round_number):
            dataset = filled.dataset(f"d{round_number}_{index}")
            filled.batch(dataset, age_s=3)
            filled.rejects(dataset, filled.source(dataset), [b"{", b"["])
        costs.append(queries(client, reverse(address)))
    assert costs[1] == costs[0] <= 14


def test_the_dataset_page_shows_contract_rows_and_ledger_but_no_restricted_value(
    filled: Filled, look_as: LookAs
) -> None:
    dataset = filled.dataset("things", restricted=True)
    filled.rows(dataset, 12)
    filled.batch(dataset, age_s=30, rows=12)
    client = look_as("steward")
    with CaptureQueriesContext(connections["reader"]) as captured:
        shown = text_of(client.get(page(dataset.pk)))
    assert "Its number." in shown
    assert "hush" not in shown
    assert shown.count('title="restricted"') == 10
    assert "0–9" in shown
    statements = [query["sql"] for query in captured if "things" in query["sql"]]
    assert statements
    assert not any("secret" in statement for statement in statements)


@pytest.mark.parametrize("text", ["[" * 499 + "]" * 499, '{"a":' * 980 + "1" + "}" * 980, "[" * 3_000 + "]" * 3_000])
def test_a_row_that_is_nested_deep_is_previewed_and_shown_where_it_was_rejected(
    filled: Filled, station: Station, look_as: LookAs, text: str
) -> None:
    fields = [prop("id", "integer", primaryKey=True, primaryKeyPosition=1), prop("doc", "object")]
    station.apply(flat("deep", fields, mode="upsert"))
    with station.connect("writer") as writer:
        writer.execute(
            "INSERT INTO data.deep (id, doc, _source, _offset, _batch, _at, _rev, _deleted) "
            "VALUES (1, %s::jsonb, 0, 1, 1, now(), 1, false)",
            (text,),
        )
    dataset = Dataset.objects.get(name="deep")
    start = text[:50].replace('"', "&quot;").replace(":", ": ")[:50]
    client = look_as("steward")
    assert start in text_of(client.get(page(dataset.pk)))
    filled.rejects(dataset, filled.source(dataset), [text.encode()], reason="too_deep")
    reject = Quarantine.objects.get()
    shown = text_of(client.get(reverse("admin:ingest_quarantine_change", args=[reject.pk])))
    assert "too_deep" in shown


def test_of_large_values_a_preview_fetches_the_beginning(station: Station) -> None:
    fields = [
        prop("id", "integer", primaryKey=True, primaryKeyPosition=1),
        prop("note"),
        prop("code", "string", "varchar(3000000)"),
        prop("raw", "string", "bytea"),
    ]
    dataset = station.apply(flat("large", fields, mode="upsert"))
    with station.connect("writer") as writer:
        writer.execute(
            "INSERT INTO data.large (id, note, code, raw, _source, _offset, _batch, _at, _rev, _deleted) "
            "SELECT n, repeat('é', 2000000), repeat('c', 61), decode(repeat('ab', 2000000), 'hex'), 0, n, 1, now(), 1,"
            " false FROM generate_series(1, 4) AS n"
        )
    tracemalloc.start()
    try:
        rows = last_rows(dataset).rows
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows[0] == ("4", "é" * 59 + "…", "c" * 59 + "…", "ab " * 19 + "ab…")
    assert most < 2_000_000


def test_deleted_rows_are_not_previewed(filled: Filled, look_as: LookAs) -> None:
    dataset = filled.dataset("things")
    filled.rows(dataset, 3, deleted=True)
    assert "No rows yet." in text_of(look_as("viewer").get(page(dataset.pk)))


def test_the_list_of_datasets_tells_each_version_under_its_name(filled: Filled, look_as: LookAs) -> None:
    filled.dataset("things")
    listed = text_of(look_as("viewer").get(reverse("admin:datasets_dataset_changelist")))
    assert re.search(r"field-version[^>]*>\s*1\s*<", listed)
    assert "Number" not in listed


def test_a_dataset_that_is_not_there_is_not_found(station: Station, look_as: LookAs) -> None:
    assert look_as("viewer").get(page(2**40)).status_code == 404


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"a":"<script>"}', "&quot;a&quot;: &quot;&lt;script&gt;&quot;"),
        (b"\xff\x00<b>", "ff 00 3c 62 3e"),
        (b"plain <i>", "plain &lt;i&gt;"),
        (None, "nothing"),
    ],
)
def test_a_quarantined_record_is_shown_as_it_came_and_does_no_harm(
    filled: Filled, look_as: LookAs, value: bytes | None, shown: str
) -> None:
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [value])
    address = reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])
    text = text_of(look_as("viewer").get(address))
    assert shown in text
    assert "trace: abc" in text
    assert "00 ff" in text


@pytest.mark.parametrize(("group", "seen"), [("viewer", False), ("steward", True)])
def test_a_record_of_a_dataset_with_restricted_fields_is_for_stewards(
    filled: Filled, look_as: LookAs, group: str, *, seen: bool
) -> None:
    dataset = filled.dataset("things", restricted=True)
    filled.rejects(dataset, filled.source(dataset), [b'{"secret": "hush"}'])
    text = text_of(look_as(group).get(reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])))
    assert ("hush" in text, "trace: abc" in text, "only stewards" in text) == (seen, seen, not seen)
    assert "a message" in text


def test_names_and_headers_of_a_record_turn_no_text_round(filled: Filled, look_as: LookAs) -> None:
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [b"{}"], reason="unknown_field")
    turned = "a\u202eb\x9b"
    Quarantine.objects.update(field=turned, message=turned, headers=[[turned, turned], [turned, None]])
    client = look_as("steward")
    for address in (
        reverse("admin:ingest_quarantine_changelist"),
        reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk]),
    ):
        page = client.get(address).content.decode()
        assert r"a\u202eb\u009b" in page
        assert not {"\u202e", "\x9b"} & {*page}


def test_the_quarantine_is_narrowed_by_dataset_reason_and_state(filled: Filled, look_as: LookAs) -> None:
    one, other = filled.dataset("one"), filled.dataset("other")
    filled.rejects(one, filled.source(one), [b"{"] * 2, reason="not_json")
    filled.rejects(other, filled.source(other), [b"{"] * 3, reason="wrong_type")
    client, address = look_as("viewer"), reverse("admin:ingest_quarantine_changelist")

    def found(query: str) -> int:
        return text_of(client.get(f"{address}?{query}")).count("a message")

    assert found("") == 5
    assert found(f"dataset__id__exact={one.pk}") == 2
    assert found("reason=wrong_type") == 3
    assert found(f"reason=wrong_type&dataset__id__exact={one.pk}") == 0
    assert found("state__exact=replayed") == 0
    reasons = re.findall(r"\?reason=(\w+)", text_of(client.get(address)))
    assert sorted(set(reasons)) == ["not_json", "wrong_type"]


def test_the_dataset_page_says_why_a_column_is_hidden_and_what_nobody_enforces(
    filled: Filled, look_as: LookAs, station: Station
) -> None:
    things = document("things")
    leaf = {"name": "mail", "logicalType": "string", "classification": "confidential", "required": True}
    things["schema"][0]["properties"].append({"name": "who", "logicalType": "object", "properties": [leaf]})
    things["slaProperties"] = [{"property": "retention", "value": 2, "unit": "y"}]
    station.apply(things)
    address = page(Dataset.objects.get(name="things").pk)
    shown = text_of(look_as("viewer").get(address))
    assert "restricted (who.mail: classification &#x27;confidential&#x27;)" in shown
    assert "retention: no row is deleted because of its age" in shown
    assert "who, nested logicalType, required: not checked" in shown
    assert "analysts can still read" not in shown
    with station.connect("owner") as owner:
        owner.execute("CREATE OR REPLACE VIEW analyst.things AS SELECT id, secret, who FROM data.things")
    assert "analysts can still read who: run `manage.py migrate`" in text_of(look_as("steward").get(address))
