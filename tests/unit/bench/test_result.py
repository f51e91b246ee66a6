"""Comparisons: verdict, table and file."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.result import Result, limit, rates, table, write

RATE = st.floats(0.1, 1e9)


@given(st.lists(st.tuples(RATE, RATE), min_size=1, max_size=9), st.floats(0.1, 100))
def test_a_claim_holds_if_half_of_the_rounds_reach_its_target(
    rounds: list[tuple[float, float]], target: float
) -> None:
    anden, baseline = zip(*rounds, strict=True)
    result = rates("x", "rows/s", anden, baseline, target=target)
    reached = sum(own / other >= target for own, other in rounds)
    if reached * 2 > len(rounds):
        assert result.holds
    if reached * 2 < len(rounds):
        assert not result.holds


def test_a_machine_that_slows_down_between_rounds_does_not_change_the_ratio() -> None:
    assert rates("x", "rows/s", [900, 90, 9], [1000, 100, 10], target=0.6).ratio == pytest.approx(0.9)


def test_rounds_of_only_one_side_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        rates("x", "rows/s", [1.0, 2.0], [1.0], target=1)


@pytest.mark.parametrize(("used", "holds"), [(0.0, True), (249.9, True), (250.0, True), (250.1, False)])
def test_a_limit_holds_up_to_itself(used: float, holds: bool) -> None:
    assert limit("memory", "MiB", used, most=250).holds is holds


def test_the_table_is_aligned_and_marks_failures() -> None:
    good = Result("ingest", "rows/s", 250_000, 300_000, 0.83, 0.6)
    bad = Result("page of 100", "pages/s", 90, 30, 3.0, 4.0)
    head, first, second = table([good, bad]).splitlines()
    assert first.index("rows/s") == second.index("pages/s") == head.index("unit")
    assert first.endswith("holds")
    assert second.endswith("FAILS")
    assert "250,000" in first


def test_the_file_holds_the_seven_fields_of_each_result(tmp_path: Path) -> None:
    path = tmp_path / "results" / "ingest.json"
    write([Result("ingest", "rows/s", 250_000.123, 300_000, 0.8333333, 0.6)], path)
    assert json.loads(path.read_text()) == [
        {
            "name": "ingest",
            "unit": "rows/s",
            "anden": 250000.1,
            "baseline": 300000,
            "ratio": 0.833,
            "target": 0.6,
            "holds": True,
        }
    ]
