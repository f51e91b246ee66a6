"""The admin's pages: who can see them, what they show, and how many statements they run."""

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
from tests.integration.console.conftest import Filled, LoginAs, document
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
def test_viewers_and_stewards_see_every_page(filled: Filled, login_as: LoginAs, group: str) -> None:
    dataset = filled.dataset("things")
    source = filled.source(dataset)
    filled.rows(dataset, 3)
    filled.batch(dataset, age_s=5)
    filled.rejects(dataset, source, [b"{"])
    client = login_as(group)
    for url_name in ("admin:index", *(f"admin:{name}_changelist" for name in LISTS)):
        assert client.get(reverse(url_name)).status_code == 200, url_name
    assert client.get(page(dataset.pk)).status_code == 200
    record = Quarantine.objects.get()
    assert client.get(reverse("admin:ingest_quarantine_change", args=[record.pk])).status_code == 200


def test_an_anonymous_user_is_redirected_to_the_login(filled: Filled) -> None:
    dataset = filled.dataset("things")
    urls = [reverse("admin:index"), page(dataset.pk), *(reverse(f"admin:{name}_changelist") for name in LISTS)]
    for url in urls:
        answer = Client().get(url)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))


def test_staff_without_permissions_see_no_data(filled: Filled) -> None:
    dataset = filled.dataset("things")
    client = Client()
    client.force_login(User.objects.create_user("intern", is_staff=True))
    assert "things" not in text_of(client.get(reverse("admin:index")))
    assert client.get(page(dataset.pk)).status_code == 403
    assert client.get(reverse("admin:ingest_quarantine_changelist")).status_code == 403


def test_an_empty_installation_shows_the_next_steps(station: Station, login_as: LoginAs) -> None:
    assert "datasets apply" in text_of(login_as("viewer").get(reverse("admin:index")))


def test_the_start_page_shows_each_datasets_state_and_figures(filled: Filled, login_as: LoginAs) -> None:
    active, late, stopped = (filled.dataset(name, latency_s=s) for name, s in (("a", None), ("b", 60), ("c", None)))
    filled.dataset("d")
    unassigned = filled.dataset("e")
    filled.rows(active, 25)
    filled.source(active)
    filled.source(late)
    filled.source(unassigned, assigned=False)
    source = filled.source(stopped, error="offset 7 is gone")
    filled.batch(active, age_s=2, rows=600, rejects=2)
    filled.batch(active, age_s=3600, rows=9)
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
    shown = text_of(login_as("viewer").get(reverse("admin:index")))
    assert "offset 7 is gone" in shown
    assert re.findall(r'datasets/dataset/\d+/change/">(\w)</a>', shown) == ["c", "e", "b", "a", "d"]


def test_rejects_are_counted_up_to_a_limit(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_COUNTED_REJECTS", 3)
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [b"{"] * 9)
    assert activity.open_rejects([dataset.pk]) == {dataset.pk: 4}


def test_a_batch_is_counted_in_the_step_of_its_age(filled: Filled) -> None:
    dataset = filled.dataset("things")
    for age_s, rows in ((0, 1), (9.0, 2), (11, 4), (29.0, 8), (31, 16)):
        filled.batch(dataset, age_s=age_s, rows=rows)
    found = activity.batch_series([dataset.pk], step_s=10, steps=3)[dataset.pk]
    assert found.rows == (8, 4, 3)


def queries(client: Client, url: str) -> int:
    """The number of statements of a page, on all aliases, with warm caches."""
    client.get(url)
    with (
        CaptureQueriesContext(connections["default"]) as default,
        CaptureQueriesContext(connections["reader"]) as reader,
    ):
        assert client.get(url).status_code == 200
    return len(default) + len(reader)


@pytest.mark.parametrize("url_name", ["admin:index", *(f"admin:{name}_changelist" for name in LISTS)])
def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
    filled: Filled, login_as: LoginAs, url_name: str
) -> None:
    client, costs = login_as("steward"), []
    for round_number in range(2):
        for index in range(2 + 6 * round_number):
            dataset = filled.dataset(f"d{round_number}_{index}")
            filled.batch(dataset, age_s=3)
            filled.rejects(dataset, filled.source(dataset), [b"{", b"["])
        costs.append(queries(client, reverse(url_name)))
    assert costs[1] == costs[0] <= 14


def test_the_dataset_page_shows_contract_rows_and_ledger_but_no_restricted_value(
    filled: Filled, login_as: LoginAs
) -> None:
    dataset = filled.dataset("things", restricted=True)
    filled.rows(dataset, 12)
    filled.batch(dataset, age_s=30, rows=12)
    client = login_as("steward")
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
def test_a_deeply_nested_value_is_shown_in_the_preview_and_in_the_quarantine(
    filled: Filled, station: Station, login_as: LoginAs, text: str
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
    client = login_as("steward")
    assert start in text_of(client.get(page(dataset.pk)))
    filled.rejects(dataset, filled.source(dataset), [text.encode()], reason="too_deep")
    reject = Quarantine.objects.get()
    shown = text_of(client.get(reverse("admin:ingest_quarantine_change", args=[reject.pk])))
    assert "too_deep" in shown


def test_a_preview_fetches_only_the_beginning_of_large_values(station: Station) -> None:
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


def test_deleted_rows_are_not_previewed(filled: Filled, login_as: LoginAs) -> None:
    dataset = filled.dataset("things")
    filled.rows(dataset, 3, deleted=True)
    assert "No rows yet." in text_of(login_as("viewer").get(page(dataset.pk)))


def test_the_list_of_datasets_shows_each_version(filled: Filled, login_as: LoginAs) -> None:
    filled.dataset("things")
    listed = text_of(login_as("viewer").get(reverse("admin:datasets_dataset_changelist")))
    assert re.search(r"field-version[^>]*>\s*1\s*<", listed)
    assert "Number" not in listed


def test_an_unknown_dataset_is_not_found(station: Station, login_as: LoginAs) -> None:
    assert login_as("viewer").get(page(2**40)).status_code == 404


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'{"a":"<script>"}', "&quot;a&quot;: &quot;&lt;script&gt;&quot;"),
        (b"\xff\x00<b>", "ff 00 3c 62 3e"),
        (b"plain <i>", "plain &lt;i&gt;"),
        (None, "nothing"),
    ],
)
def test_a_quarantined_record_is_shown_as_it_came_and_escaped(
    filled: Filled, login_as: LoginAs, value: bytes | None, shown: str
) -> None:
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [value])
    url = reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])
    text = text_of(login_as("viewer").get(url))
    assert shown in text
    assert "trace: abc" in text
    assert "00 ff" in text


@pytest.mark.parametrize(("group", "is_shown"), [("viewer", False), ("steward", True)])
def test_a_record_of_a_dataset_with_restricted_fields_is_for_stewards(
    filled: Filled, login_as: LoginAs, group: str, *, is_shown: bool
) -> None:
    dataset = filled.dataset("things", restricted=True)
    filled.rejects(dataset, filled.source(dataset), [b'{"secret": "hush"}'])
    text = text_of(login_as(group).get(reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])))
    assert ("hush" in text, "trace: abc" in text, "only stewards" in text) == (is_shown, is_shown, not is_shown)
    assert "a message" in text


def test_control_characters_in_names_and_headers_are_escaped(filled: Filled, login_as: LoginAs) -> None:
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [b"{}"], reason="unknown_field")
    nasty = "a\u202eb\x9b"
    Quarantine.objects.update(field=nasty, message=nasty, headers=[[nasty, nasty], [nasty, None]])
    client = login_as("steward")
    for url in (
        reverse("admin:ingest_quarantine_changelist"),
        reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk]),
    ):
        page = client.get(url).content.decode()
        assert r"a\u202eb\u009b" in page
        assert not {"\u202e", "\x9b"} & {*page}


def test_the_quarantine_filters_by_dataset_reason_and_state(filled: Filled, login_as: LoginAs) -> None:
    one, other = filled.dataset("one"), filled.dataset("other")
    filled.rejects(one, filled.source(one), [b"{"] * 2, reason="not_json")
    filled.rejects(other, filled.source(other), [b"{"] * 3, reason="wrong_type")
    client, url = login_as("viewer"), reverse("admin:ingest_quarantine_changelist")

    def found(query: str) -> int:
        return text_of(client.get(f"{url}?{query}")).count("a message")

    assert found("") == 5
    assert found(f"dataset__id__exact={one.pk}") == 2
    assert found("reason=wrong_type") == 3
    assert found(f"reason=wrong_type&dataset__id__exact={one.pk}") == 0
    assert found("state__exact=replayed") == 0
    reasons = re.findall(r"\?reason=(\w+)", text_of(client.get(url)))
    assert sorted(set(reasons)) == ["not_json", "wrong_type"]


def test_the_dataset_page_explains_hidden_columns_and_lists_what_is_not_enforced(
    filled: Filled, login_as: LoginAs, station: Station
) -> None:
    things = document("things")
    leaf = {"name": "mail", "logicalType": "string", "classification": "confidential", "required": True}
    things["schema"][0]["properties"].append({"name": "who", "logicalType": "object", "properties": [leaf]})
    things["slaProperties"] = [{"property": "retention", "value": 2, "unit": "y"}]
    station.apply(things)
    url = page(Dataset.objects.get(name="things").pk)
    shown = text_of(login_as("viewer").get(url))
    assert "restricted (who.mail: classification &#x27;confidential&#x27;)" in shown
    assert "retention: no row is deleted because of its age" in shown
    assert "who, nested logicalType, required: not checked" in shown
    assert "analysts can still read" not in shown
    with station.connect("owner") as owner:
        owner.execute("CREATE OR REPLACE VIEW analyst.things AS SELECT id, secret, who FROM data.things")
    assert "analysts can still read who: run `manage.py migrate`" in text_of(login_as("steward").get(url))
