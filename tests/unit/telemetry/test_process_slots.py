"""A slot belongs to one live process; a free slot marks what dead processes left behind."""

from pathlib import Path

from apps.telemetry.process_slots import ProcessSlots


def test_two_holders_get_two_slots_and_a_freed_one_is_reused(tmp_path: Path) -> None:
    first, second, third = ProcessSlots(tmp_path), ProcessSlots(tmp_path), ProcessSlots(tmp_path)
    assert (first.own(), second.own(), first.own()) == (0, 1, 0)
    first._reset()
    assert third.own() == 0


def test_a_sweep_removes_only_the_live_gauges_of_free_slots(tmp_path: Path) -> None:
    living = ProcessSlots(tmp_path)
    living.own()
    names = ("gauge_livesum_0.db", "gauge_livesum_1.db", "gauge_livemostrecent_2.db", "counter_1.db")
    for name in names:
        (tmp_path / name).touch()
    ProcessSlots(tmp_path).sweep()
    assert {path.name for path in tmp_path.glob("*.db")} == {"gauge_livesum_0.db", "counter_1.db"}


def test_a_new_holder_does_not_inherit_the_live_gauges_of_its_predecessor(tmp_path: Path) -> None:
    (tmp_path / "gauge_livesum_0.db").touch()
    (tmp_path / "histogram_0.db").touch()
    assert ProcessSlots(tmp_path).own() == 0
    assert {path.name for path in tmp_path.glob("*.db")} == {"histogram_0.db"}
