"""The figures of a chaos run: pauses, rates, and the order of faults."""

from typing import Any

import pytest

from tests.chaos.campaign import Campaign, FaultRecord
from tests.chaos.fault_report import fault_figures, fault_table
from tests.chaos.faults import FAULTS
from tests.chaos.flow import Sample, again_s, longest_pause_s, moved, rate
from tests.chaos.plans import PLANS

SAMPLES = [
    Sample(float(second), {"hit": 10 * min(second, 5) + 10 * max(second - 12, 0), "other": 20 * second})
    for second in range(20)
]


def campaign(seed: int, count: int = 200) -> Campaign:
    world: Any = None
    return Campaign(world, seed, count, together=3)


def test_moves_are_those_of_the_named_datasets() -> None:
    assert moved(SAMPLES, {"other"}) == [(float(second), 20) for second in range(1, 20)]
    assert [at_s for at_s, _ in moved(SAMPLES, {"hit"})] == [1, 2, 3, 4, 5, 13, 14, 15, 16, 17, 18, 19]
    assert moved(SAMPLES, None)[0] == (1.0, 30)


def test_the_longest_pause_reaches_from_before_the_fault_until_records_flow_again() -> None:
    moves = moved(SAMPLES, {"hit"})
    assert longest_pause_s(moves, 6.0, 8.0) == 8.0
    assert longest_pause_s(moves, 2.5, 3.5) == 1.0
    assert longest_pause_s(moves, 18.5, 19.5) is None


def test_a_dataset_is_read_again_with_its_next_move() -> None:
    assert again_s(moved(SAMPLES, {"hit"}), 8.0) == 5.0
    assert again_s(moved(SAMPLES, {"hit"}), 19.0) is None


def test_a_rate_counts_the_offsets_of_its_seconds() -> None:
    assert rate(moved(SAMPLES, {"other"}), 5.0, 10.0) == 20.0


def test_neighbours_of_a_dataset_are_all_others_while_no_fault_affects_all() -> None:
    table_locked = FaultRecord("table locked", "hit", 6.0, 12.0)
    alone = fault_figures([table_locked], SAMPLES)["table locked"]
    assert alone.ratios == [1.0]
    assert (alone.pauses_s, alone.again_s) == ([1.0], [1.0])
    crowded = fault_figures([table_locked, FaultRecord("SIGKILL of Kafka", "", 5.0, 7.0)], SAMPLES)
    assert crowded["table locked"].ratios == []
    assert crowded["SIGKILL of Kafka"].pauses_s == [1.0]
    assert "table locked" in fault_table(crowded)


def test_a_seed_gives_the_same_order_and_every_kind_its_share() -> None:
    first, again, other = campaign(1)._order, campaign(1)._order, campaign(2)._order
    assert first == again
    assert first != other
    counts = [sum(fault is kind for fault, _ in first) for kind in FAULTS]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.targets], ids=lambda fault: fault.name)
def test_every_fault_at_a_dataset_has_one_to_hit(fault: Any) -> None:
    assert any(map(fault.targets, PLANS))


def test_names_of_faults_are_unique() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
