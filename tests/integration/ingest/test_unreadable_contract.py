"""A worker with a dataset whose contract it cannot read."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.ingest import metrics
from apps.ingest.core.decoding import Decoder
from apps.telemetry import prometheus
from tests.integration.datasets.test_unreadable import BROKEN, LATER_TYPE, spoil
from tests.integration.ingest.conftest import Line
from tests.unit.ingest.world import EVENTS, things


@pytest.fixture
def two(line: Line) -> Line:
    line.make()
    line.apply(EVENTS, "sick", mode="append")
    line.apply(EVENTS, "well", mode="append")
    return line


def count(line: Line, name: str) -> int:
    return int(line.query(f"SELECT count(*) FROM data.{name}")[0][0])


@pytest.mark.parametrize("how", ["a later type", "no JSON", "null", "a control character"])
def test_readable_datasets_continue_and_the_unreadable_one_stops_with_its_reason(two: Line, how: str) -> None:
    two.send(*things(5))
    two.run()
    spoil(two.station, "sick", BROKEN[how])
    two.send(*things(5, 5))
    moved = two.run()
    assert "version 1 of the contract of 'sick'" in moved.stopped["sick"]
    assert (count(two, "sick"), count(two, "well")) == (5, 10)
    errors = dict(
        two.query("SELECT d.name, s.last_error FROM ingest_source s JOIN datasets_dataset d ON d.id = dataset_id")
    )
    assert "contract of 'sick'" in errors["sick"]
    assert errors["well"] == ""
    assert prometheus.gauge(metrics.STOPPED).labels("sick")._value.get() == 1


def test_a_running_worker_drops_a_contract_that_becomes_unreadable_and_resumes_it_later(
    two: Line, until: Callable[[Callable[[], bool]], None]
) -> None:
    two.start()
    two.send(*things(5))
    until(lambda: count(two, "sick") == count(two, "well") == 5)
    (good,) = two.query(
        "SELECT document FROM datasets_contractversion v JOIN datasets_dataset d ON d.id = dataset_id "
        "WHERE name = 'sick'"
    )
    spoil(two.station, "sick", LATER_TYPE)
    until(lambda: bool(two.query("SELECT 1 FROM ingest_source WHERE last_error <> '' AND owner = ''")))
    two.send(*things(5, 5))
    until(lambda: count(two, "well") == 10)
    assert count(two, "sick") == 5
    spoil(two.station, "sick", good[0])
    until(lambda: count(two, "sick") == 10)
    assert not two.query("SELECT 1 FROM ingest_source WHERE last_error <> ''")


def test_a_contract_without_a_possible_decoder_stops_only_its_dataset(
    two: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Decoder.__init__

    def failing(self: Decoder, contract: object) -> None:
        if contract.name == "sick":  # type: ignore[attr-defined]
            raise TypeError("no such type")
        made(self, contract)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "__init__", failing)
    two.send(*things(5))
    moved = two.run()
    assert "cannot build a decoder" in moved.stopped["sick"]
    assert (count(two, "sick"), count(two, "well")) == (0, 5)


def test_topics_and_lag_keep_working(two: Line) -> None:
    two.send(*things(5))
    two.run()
    spoil(two.station, "sick", LATER_TYPE)
    out, err = StringIO(), StringIO()
    call_command("topics", "ensure", stdout=out, stderr=err)
    assert two.topic in out.getvalue()
    assert "vector" in err.getvalue()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("topics", "accept", "sick", stderr=StringIO())
    lags = two.exporter.measure(now_s=1e9)
    assert {lag.dataset for lag in lags.measured} == {"sick", "well"}


def test_a_dataset_that_was_never_readable_is_reported_as_unmeasured(two: Line) -> None:
    two.send(*things(5))
    two.run("well")
    spoil(two.station, "sick", LATER_TYPE)
    lags = two.exporter.measure(now_s=1e9)
    assert [lag.dataset for lag in lags.measured] == ["well"]
    assert "contract cannot be read" in lags.unmeasured["sick"]
    with pytest.raises(CommandError, match="cannot measure sick: its contract cannot be read"):
        call_command("lag", "--once", stdout=StringIO())
