"""Applying contracts to a real PostgreSQL, with the real roles."""

from pathlib import Path

import psycopg
import pytest

from apps.datasets.runtime_models import model_for
from apps.datasets.services import dataset_apply
from tests.station import Station

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def test_every_sample_applies_and_a_second_apply_is_a_no_op(station: Station) -> None:
    paths = sorted(CONTRACTS.glob("*.yaml"))
    assert paths
    for path in paths:
        dataset = station.apply(path)
        again = dataset_apply(dataset.document)
        assert (again.changed, again.version, again.statements) == (False, 1, ())
        assert model_for(dataset).objects.using("reader").count() == 0


def test_the_reader_cannot_write_and_ingest_cannot_delete(station: Station) -> None:
    station.apply(CONTRACTS / "airlines.yaml")
    for alias, statement in (
        ("reader", "INSERT INTO data.airlines DEFAULT VALUES"),
        ("ingest", "DELETE FROM data.airlines"),
        ("writer", "DROP TABLE data.airlines"),
        ("default", "SELECT * FROM data.airlines"),
    ):
        with station.connect(alias) as connection, pytest.raises(psycopg.Error) as refused:
            connection.execute(statement.encode())
        assert refused.value.sqlstate in {"42501", "25006"}
