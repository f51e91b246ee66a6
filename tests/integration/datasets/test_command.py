"""`manage.py datasets`: the output that a data engineer reads."""

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from psycopg_pool import PoolTimeout

from apps.datasets.adapters.contract_files import documents
from apps.datasets.adapters.database.error_messages import explain_database_error
from tests.documents import document, prop
from tests.station import Station

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def run(*words: str) -> str:
    out = StringIO()
    call_command("datasets", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_applying_the_samples_twice_prints_applied_and_then_unchanged(station: Station) -> None:
    first, second = run("apply", str(CONTRACTS)), run("apply", str(CONTRACTS))
    assert "flights: applied, version 1" in first
    assert "applied" not in second
    assert second.count("unchanged, version 1") == first.count("applied, version 1") == len(list(CONTRACTS.iterdir()))


def test_list_and_show_are_tables_a_person_can_read(station: Station) -> None:
    assert "datasets apply contracts" in run("list")
    station.apply(CONTRACTS / "flights.yaml")
    assert run("list").splitlines()[1].split()[:4] == ["flights", "append", "flights", "19"]
    shown = run("show", "flights")
    assert "time_hour, _source, _offset" in shown
    assert "enum=('EWR', 'JFK', 'LGA')" in shown


def test_show_prints_each_order_in_full(station: Station) -> None:
    station.apply(document("things", [prop("a", "integer"), prop("b")], orders=["-a,b", "b"]))
    assert "orders          -a,b; b" in run("show", "things")


def test_export_round_trips(station: Station, tmp_path: Path) -> None:
    paths = sorted(CONTRACTS.glob("*.yaml"))
    assert paths
    for path in paths:
        dataset = station.apply(path)
        copy = tmp_path / path.name
        copy.write_text(run("export", dataset.name))
        assert run("apply", str(copy)).splitlines()[0] == f"{dataset.name}: unchanged, version 1"
        assert yaml.safe_load(copy.read_text()).keys() == yaml.safe_load(path.read_text()).keys()


def test_a_dry_run_prints_sql_and_changes_nothing(station: Station) -> None:
    output = run("apply", str(CONTRACTS / "flights.yaml"), "--dry-run")
    assert 'CREATE TABLE data."flights"' in output
    assert "flights: would change, version 1" in output
    assert "No datasets yet" in run("list")


def test_an_invalid_contract_is_reported_by_path_and_the_others_are_applied(station: Station, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(document("bad%", [prop("a", "integer", "money")])))
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(document("good")))
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 contracts rejected, 1 applied"):
        call_command("datasets", "apply", str(tmp_path), stdout=out, stderr=out)
    output = out.getvalue()
    assert "$.schema[0].name: 'bad%'" in output
    assert "$.schema[0].properties[0].physicalType" in output
    assert "good: applied" in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", ":1: not YAML"),
        ("- 1", "not a mapping"),
        (b"\xff\xfe\xfa", "not UTF-8"),
        ("", "not a mapping"),
        ("a: 1\na: 2", ":2: not YAML: duplicate key 'a'"),
        (
            "schema:\n  - {classification: restricted, name: a, classification: public}",
            ":2: not YAML: duplicate key 'classification'",
        ),
        ("a: &a {b: 1}\nc: {<<: *a, b: 2, 'b': 3}", ":2: not YAML: duplicate key 'b'"),
    ],
)
def test_a_file_that_is_not_a_contract_gives_one_clear_line(
    station: Station, tmp_path: Path, text: str | bytes, words: str
) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("datasets", "apply", str(file), stdout=out, stderr=out)
    assert words in f"{refused.value}{out.getvalue()}"


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("a: &a {x: 1}\nz: {deep: &b {<<: *a, x: 2}}\nc: {<<: *b, x: 3}\nd: *b")
    assert next(documents(file))[1] == {"a": {"x": 1}, "z": {"deep": {"x": 2}}, "c": {"x": 3}, "d": {"x": 2}}


def test_a_missing_path_and_an_empty_folder_are_reported(station: Station, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no.yaml", "no such file"), (tmp_path, "contains no")):
        with pytest.raises(CommandError, match=words):
            run("apply", str(path))


def test_drop_needs_yes_for_a_dataset_with_rows(station: Station) -> None:
    station.apply(document("things", [prop("id", "integer")]))
    with station.connect("ingest") as connection:
        connection.execute("INSERT INTO data.things (id, _source, _offset, _batch) VALUES (1, 1, 1, 1)")
    with pytest.raises(CommandError, match="--yes"):
        run("drop", "things")
    assert run("drop", "things", "--yes") == "things: dropped\n"
    with pytest.raises(CommandError, match="no dataset 'things'"):
        run("drop", "things")


def test_an_unavailable_database_gives_one_line(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    connections["owner"].close()
    monkeypatch.setitem(connections["owner"].settings_dict, "PORT", "1")
    with pytest.raises(CommandError, match=r"PostgreSQL at 127\.0\.0\.1:1 does not respond"):
        run("apply", str(CONTRACTS / "airlines.yaml"))


@pytest.mark.parametrize("command", [("migrate",), ("datasets", "apply", str(CONTRACTS / "airlines.yaml"))])
def test_a_wrong_password_is_not_reported_as_an_unavailable_database(
    station: Station, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    connections["owner"].close()
    monkeypatch.setitem(connections["owner"].settings_dict, "PASSWORD", "wrong")
    with pytest.raises(CommandError, match=r"refused: password authentication failed.*: fix ANDEN_DATABASE_OWNER_URL"):
        call_command(*command)


def test_a_pool_timeout_reports_the_databases_own_error(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = OperationalError("couldn't get a connection after 5.00 sec")
    waited.__cause__ = PoolTimeout("couldn't get a connection after 5.00 sec")
    assert "does not respond" in explain_database_error("default", waited)
    monkeypatch.setitem(connections["default"].settings_dict, "PASSWORD", "wrong")
    assert "password authentication failed" in explain_database_error("default", waited)
