"""Hostile names either work, quoted, or are rejected by name: never an SQL error, never another name."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.datasets.core.contract.identifiers import name_faults
from apps.datasets.core.errors import ContractInvalid
from apps.datasets.core.table.ddl import column_list, table_sql
from apps.datasets.runtime_models import attribute, model_for
from apps.datasets.services import dataset_apply, dataset_drop
from tests.documents import document, prop
from tests.station import Station

HOSTILE = [
    "Mixed Case", "with space", 'quo"te', "50%", "%s", "x" * 80, "select", "user", "id", "_offset", "objects", "check",
    "🛩️", "'; DROP TABLE datasets_dataset; --", "a\\b", "a'b", "pk", "f0", "Naïve", "tableoid", "limit", "a--b",
    "/*", "$1", ":x", "{}", "a\tb", "e\u0301", "data", "public", "null", "true",
]  # fmt: skip


def works_or_is_refused(station: Station, name: str) -> None:
    broken = document(name, [prop(name, "integer"), prop("other", description='it\'s \\ 100% "fine"')])
    broken["schema"][0]["customProperties"] = [{"property": "filters", "value": [name]}]
    if list(name_faults(name)):
        with pytest.raises(ContractInvalid) as refused:
            station.apply(broken)
        assert all(repr(name) in problem.rule for problem in refused.value.problems)
        return
    dataset = station.apply(broken)
    try:
        with station.connect("ingest") as connection:
            columns = column_list([name, "_source", "_offset", "_batch"])
            connection.execute(f"INSERT INTO {table_sql(dataset.contract)} ({columns}) VALUES (7, 1, 1, 1)")
        model = model_for(dataset)
        field = attribute(dataset.contract, name)
        assert model.objects.using("reader").filter(**{f"{field}__gte": 7}).values_list(field, flat=True).get() == 7
        assert [row.name for row in dataset.contract.fields] == [name, "other"]
        with station.admin() as connection:
            assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'data'").fetchall() == [
                (name,)
            ]
    finally:
        dataset_drop(name, with_data=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_works_or_is_rejected(station: Station, name: str) -> None:
    works_or_is_refused(station, name)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=70))
def test_any_name_works_or_is_rejected(station: Station, name: str) -> None:
    works_or_is_refused(station, name)


def test_a_dry_run_changes_nothing(station: Station) -> None:
    done = dataset_apply(document(), dry_run=True)
    assert done.changed
    assert done.statements[0].startswith('CREATE TABLE data."things"')
    with station.admin() as connection:
        assert connection.execute("SELECT count(*) FROM datasets_dataset").fetchone() == (0,)
