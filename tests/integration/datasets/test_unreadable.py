"""A stored contract that this version cannot read affects only its own dataset, wherever datasets are listed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.datasets import selectors, tasks
from apps.datasets.core.errors import ChangeRefused, ContractUnreadable
from apps.datasets.models import ContractVersion
from apps.datasets.selectors import catalogue_read, contract_version_get, dataset_get, dataset_list
from apps.datasets.services import dataset_apply, dataset_drop
from apps.jobs.models import Job
from apps.jobs.services.runner import job_run
from tests.documents import document, prop
from tests.station import Station

FIELDS = [prop("id", "integer", required=True), prop("name")]


def spoil(station: Station, name: str, text: str) -> None:
    """Replace the dataset's stored document with this text, and clear this process's cache."""
    with station.admin() as admin:
        admin.execute(
            "UPDATE datasets_contractversion v SET document = %s FROM datasets_dataset d "
            "WHERE d.id = v.dataset_id AND d.version = v.version AND d.name = %s",
            (text, name),
        )
    selectors._versions.keep(())


def later(name: str, **changes: object) -> str:
    """A document as a later version may write it."""
    return json.dumps({**document(name, FIELDS, mode="append"), **changes})


LATER_TYPE = later("sick").replace('"integer"', '"vector"')
BROKEN = {
    "a later type": LATER_TYPE,
    "a later mode": later("sick").replace('"append"', '"ring"'),
    "another name": later("other"),
    "no JSON": "{",
    "nothing": "",
    "no mapping": "[1]",
    "null": "null",
    "deep": "[" * 100_000,
    "no schema": later("sick", schema=[]),
    "a schema of another shape": later("sick", schema="later"),
    "half a character": later("sick").replace('"physicalName"', '"description": "\\ud800", "physicalName"'),
    "a control character": later("sick").replace('"integer"', '"string", "logicalTypeOptions": {"later\\u0000": 1}'),
    "a choice that is a list": later("sick").replace('"append"', '["append"]'),
}


@pytest.fixture
def well(station: Station) -> Station:
    station.apply(document("sick", FIELDS, mode="append"))
    station.apply(document("well", FIELDS, mode="append"))
    return station


@pytest.mark.parametrize("how", BROKEN)
def test_readable_datasets_are_listed_and_the_unreadable_one_has_a_reason(well: Station, how: str) -> None:
    spoil(well, "sick", BROKEN[how])
    found = catalogue_read()
    assert [dataset.name for dataset in found.readable] == ["well"]
    assert [dataset.name for dataset in found.unreadable] == ["sick"]
    assert "version 1 of the contract of 'sick'" in found.unreadable[0].reason
    assert len(found.unreadable[0].reason) < 500
    assert found.unreadable[0].reason.isprintable()
    with pytest.raises(ContractUnreadable, match="sick"):
        dataset_get("sick")
    assert dataset_get("well").name == "well"


def test_commands_and_tasks_continue_with_readable_datasets(well: Station) -> None:
    spoil(well, "sick", LATER_TYPE)
    out, err = StringIO(), StringIO()
    call_command("datasets", "list", stdout=out, stderr=err)
    assert "well" in out.getvalue()
    assert "vector" in err.getvalue()
    with pytest.raises(CommandError, match="cannot read version 1"):
        call_command("datasets", "show", "sick")
    with pytest.raises(ChangeRefused, match="apply the file that was applied last"):
        dataset_apply(document("sick", [*FIELDS, prop("more")], mode="append"))
    purge = tasks.purge_old_tombstones()
    assert purge is not None
    job_run(purge)
    assert Job.objects.get(pk=purge).result == 0
    tasks.record_heartbeat()


@pytest.mark.parametrize(
    "options", [{"pattern": "^(?!x)"}, {"pattern": r"(a)\1"}, {"laterCheck": 5}, {"minLength": "three"}]
)
def test_a_contract_with_unsupported_checks_can_be_replaced(well: Station, options: dict[str, object]) -> None:
    stored = document("sick", [FIELDS[0], prop("name", logicalTypeOptions=options)], mode="append")
    spoil(well, "sick", json.dumps(stored))
    with pytest.raises(ContractUnreadable, match="apply a contract that this one can read"):
        dataset_get("sick")
    with pytest.raises(ChangeRefused, match="'name' is removed"):
        dataset_apply(document("sick", FIELDS[:1], mode="append"))
    done = dataset_apply(document("sick", [FIELDS[0], prop("name"), prop("more")], mode="append"))
    assert (done.version, dataset_get("sick").version) == (2, 2)


@pytest.mark.parametrize("how", BROKEN)
def test_applying_the_original_file_restores_an_altered_document(well: Station, how: str) -> None:
    applied_document = document("sick", FIELDS, mode="append")
    spoil(well, "sick", BROKEN[how])
    assert dataset_apply(applied_document, dry_run=True).restored
    assert [dataset.name for dataset in dataset_list()] == ["well"]
    done = dataset_apply(applied_document)
    assert (done.restored, done.changed, done.version) == (True, False, 1)
    selectors._versions.keep(())
    assert dataset_get("sick").version == 1
    assert not dataset_apply(applied_document).restored


@pytest.mark.parametrize("how", BROKEN)
def test_a_dataset_with_an_unreadable_contract_can_be_dropped(well: Station, how: str) -> None:
    spoil(well, "sick", BROKEN[how])
    dataset_drop("sick")
    assert [dataset.name for dataset in dataset_list()] == ["well"]


def test_a_dataset_with_a_missing_version_is_reported_and_can_be_dropped(well: Station) -> None:
    with well.admin() as admin:
        admin.execute(
            "DELETE FROM datasets_contractversion v USING datasets_dataset d WHERE d.id = dataset_id AND name = 'sick'"
        )
    selectors._versions.keep(())
    found = catalogue_read()
    assert [dataset.name for dataset in found.readable] == ["well"]
    assert [(dataset.name, dataset.reason.partition(":")[0]) for dataset in found.unreadable] == [
        ("sick", "version 1 of the contract of 'sick' is missing")
    ]
    with pytest.raises(ContractUnreadable, match="is missing"):
        dataset_get("sick")
    with pytest.raises(ChangeRefused, match="restore its row"):
        dataset_apply(document("sick", FIELDS, mode="append"))
    dataset_drop("sick")
    with pytest.raises(ContractVersion.DoesNotExist):
        contract_version_get(found.unreadable[0].id, 1)
    assert catalogue_read().unreadable == ()


def test_a_fixed_contract_is_read_again(well: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(well, "sick", "{")
    assert len(dataset_list()) == 1
    spoil(well, "sick", later("sick"))
    assert [dataset.name for dataset in dataset_list()] == ["sick", "well"]
    monkeypatch.setattr(selectors, "RETRY_S", 0.0)
    spoil(well, "sick", "{")
    assert len(dataset_list()) == 1
    with well.admin() as admin:
        admin.execute("UPDATE datasets_contractversion SET document = %s WHERE document = '{'", (later("sick"),))
    assert len(dataset_list()) == 2


def test_a_scan_of_many_datasets_takes_two_queries_and_then_one(station: Station) -> None:
    count = 2_100
    with station.admin() as admin:
        admin.execute(
            "WITH made AS (INSERT INTO datasets_dataset (name, version, event_time) "
            "SELECT 'many' || n, 1, '' FROM generate_series(1, %s) n RETURNING id, name) "
            "INSERT INTO datasets_contractversion (dataset_id, version, document, fingerprint) "
            "SELECT id, 1, replace(%s, '\"many\"', '\"' || name || '\"'), name FROM made",
            (count, json.dumps(document("many", FIELDS, mode="append"))),
        )
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert len(dataset_list()) == count
        counts.append(len(queries))
    assert counts == [2, 1, 1]
    with station.admin() as admin:
        admin.execute("DELETE FROM datasets_contractversion")
        admin.execute("DELETE FROM datasets_dataset")
    assert dataset_list() == []
    assert selectors._versions.read == {}


def test_a_process_caches_one_version_per_dataset(station: Station) -> None:
    station.apply(document("grows", FIELDS, mode="append"))
    for number in range(4):
        more = [prop(f"more{index}") for index in range(number + 1)]
        station.apply(document("grows", [*FIELDS, *more], mode="append"))
    dataset = dataset_get("grows")
    assert dataset.version == 5
    assert contract_version_get(dataset.id, 3).version == 3
    assert [version.version for version in selectors._versions.read.values()] == [5]
