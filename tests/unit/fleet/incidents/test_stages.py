"""An incident goes only where the table lets it go, and says why where it must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.errors import StageRefused
from apps.fleet.incidents.lifecycle import MOVES, REASONS, Stage, move_checked, moves_from, thinned


def test_every_stage_can_be_left_and_every_stage_but_open_is_reached_from_open() -> None:
    assert {move.source for move in MOVES} == set(Stage)
    reached, frontier = {Stage.OPEN}, [Stage.OPEN]
    while frontier:
        for move in moves_from(frontier.pop()):
            if move.target not in reached:
                reached.add(move.target)
                frontier.append(move.target)
    assert reached == set(Stage)


@pytest.mark.parametrize("source", list(Stage))
@pytest.mark.parametrize("target", list(Stage))
def test_only_moves_of_the_table_are_made(source: Stage, target: Stage) -> None:
    if any(move.source == source and move.target == target for move in MOVES):
        assert move_checked(source, target, reason="fixed", note="because").target == target
    else:
        with pytest.raises(StageRefused, match=f"{source} cannot become {target}"):
            move_checked(source, target, reason="fixed", note="because")


@pytest.mark.parametrize("reason", ["", "no such reason", "recovered"])
def test_closing_needs_a_reason_that_a_person_can_give(reason: str) -> None:
    words = "fixed; expected, or a change we made; false alarm; duplicate of another incident"
    with pytest.raises(StageRefused, match=rf"^reason: say why it is closed: {words}$"):
        move_checked(Stage.OPEN, Stage.CLOSED, reason=reason, note="")


def test_reopening_needs_a_note() -> None:
    with pytest.raises(StageRefused, match=r"^note:"):
        move_checked(Stage.CLOSED, Stage.OPEN, reason="", note="  ")


def test_every_reason_has_a_name_of_its_own() -> None:
    assert len({reason.name for reason in REASONS}) == len(REASONS)


@given(st.lists(st.floats(-1e6, 1e6), max_size=400), st.integers(4, 60))
def test_a_thinned_trail_keeps_its_order_its_end_and_its_worst(scores: list[float], most: int) -> None:
    trail: list[list[float]] = []
    for at, score in enumerate(scores):
        trail = thinned([*trail, [float(at), score]], most=most)
    assert len(trail) == min(most, len(scores)) or len(trail) <= most
    assert trail == sorted(trail)
    if scores:
        assert trail[-1] == [len(scores) - 1.0, scores[-1]]
        assert max(abs(score) for _, score in trail) == max(map(abs, scores))
