"""The flights from the CSV through Kafka into PostgreSQL: every row, every column, once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.kafka import EmbeddedKafka
from tests.station import Station

ROOT = Path(__file__).parents[3]
ROWS = {"airlines": "16", "airports": "1,458", "planes": "3,322", "weather": "26,115", "flights": "336,776"}

Manage = Callable[..., tuple[int, str]]


@pytest.fixture
def manage(station: Station, broker: EmbeddedKafka) -> Manage:
    """A function that runs a management command and returns its exit code and output."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
    }

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *words],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_everything_sent_arrives_and_a_second_run_stores_nothing(manage: Manage, station: Station) -> None:
    for words in (("datasets", "apply", "contracts"), ("topics", "ensure"), ("demo", "produce", "--rate", "0")):
        code, output = manage(*words)
        assert code == 0, output
    code, output = manage("ingest", "--until-idle")
    assert (code, "367687 rows, 0 rejects" in output) == (0, True), output
    code, output = manage("demo", "checksum")
    assert code == 0, output
    lines = dict(line.split(maxsplit=1) for line in output.splitlines())
    for name, rows in ROWS.items():
        assert lines[name].startswith(f"{rows} rows, checksum ")
        assert lines[name].endswith("  equal")
    code, output = manage("ingest", "flights", "--until-idle")
    assert (code, "0 records: 0 rows" in output) == (0, True), output
    with station.connect("ingest") as connection:
        connection.execute(
            "UPDATE data.flights SET dep_delay = dep_delay + 1 WHERE ctid = (SELECT min(ctid) FROM data.flights)"
        )
        connection.commit()
    code, output = manage("demo", "checksum", "--dataset", "flights")
    assert code == 1
    assert "DIFFERENT" in output
    assert output.splitlines()[-1] == "CommandError: tables differ from the files: flights"


def test_a_missing_table_is_reported_in_one_line(manage: Manage) -> None:
    code, output = manage("demo", "checksum", "--dataset", "airlines")
    assert code == 1
    assert output.count("\n") == 1
    assert "manage.py datasets apply contracts" in output
