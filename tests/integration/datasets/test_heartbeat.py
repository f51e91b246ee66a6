"""The heartbeat: beat is alive, until when the ledger has partitions, and which contracts end."""

import datetime
import time
from pathlib import Path
from typing import Final

from apps.datasets import tasks
from apps.datasets.adapters.table.ledger import LEDGER_DAYS_AHEAD
from apps.datasets.metrics import BEAT, CONTRACT_END, LEDGER_PARTITIONS_END
from apps.telemetry import prometheus
from tests.documents import document, prop
from tests.station import Station

CONTRACTS: Final = Path(__file__).resolve().parents[3] / "contracts"


def days_ahead() -> float:
    """Full days from the start of today to the gauge's time."""
    (until,) = prometheus.gauge_values(LEDGER_PARTITIONS_END).values()
    today = datetime.datetime.combine(datetime.datetime.now(datetime.UTC).date(), datetime.time(), datetime.UTC)
    return (until - today.timestamp()) / 86_400


def test_the_heartbeat_records_the_time_and_the_end_of_the_ledger(station: Station) -> None:
    tasks.make_ledger_days_ahead()
    began = time.time()
    tasks.record_heartbeat()
    assert prometheus.gauge_values(BEAT)[()] >= began
    assert days_ahead() == LEDGER_DAYS_AHEAD + 1


def test_a_gap_counts_as_the_end_of_the_ledger(station: Station) -> None:
    with station.admin() as connection:
        (part,) = connection.execute(
            "SELECT 'ledger_' || to_char(now() AT TIME ZONE 'UTC' + interval '2 days', 'YYYY_MM_DD')"
        ).fetchone() or ("",)
        connection.execute(f"DROP TABLE parts.{part}")
    try:
        tasks.record_heartbeat()
        assert days_ahead() == 2
    finally:
        tasks.make_ledger_days_ahead()


def test_the_heartbeat_records_when_contracts_end_and_removes_dropped_datasets(
    station: Station,
) -> None:
    station.apply(CONTRACTS / "flights.yaml")  # its latest month is January 2014
    station.apply(CONTRACTS / "persons.yaml")  # names none
    station.apply(document("ever", [prop("at", "timestamp", partitioned=True)], latest="9999-12"))
    prometheus.gauge(CONTRACT_END).labels("gone").set(1)
    tasks.record_heartbeat()
    february = datetime.datetime(2014, 2, 1, tzinfo=datetime.UTC).timestamp()
    last = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp()
    assert prometheus.gauge_values(CONTRACT_END) == {("flights",): february, ("ever",): last}
