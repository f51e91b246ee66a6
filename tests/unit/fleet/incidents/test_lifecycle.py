"""An incident changes only along the table of transitions, with the required reason or note."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.errors import TransitionRefused
from apps.fleet.incidents.lifecycle import (
    CLOSE_REASONS,
    TRANSITIONS,
    IncidentStatus,
    check_transition,
    thin_history,
    transitions_from,
)


def test_every_status_can_be_left_and_reached() -> None:
    assert {move.source for move in TRANSITIONS} == set(IncidentStatus)
    reached, frontier = {IncidentStatus.OPEN}, [IncidentStatus.OPEN]
    while frontier:
        for move in transitions_from(frontier.pop()):
            if move.target not in reached:
                reached.add(move.target)
                frontier.append(move.target)
    assert reached == set(IncidentStatus)


@pytest.mark.parametrize("source", list(IncidentStatus))
@pytest.mark.parametrize("target", list(IncidentStatus))
def test_only_transitions_of_the_table_are_accepted(source: IncidentStatus, target: IncidentStatus) -> None:
    if any(move.source == source and move.target == target for move in TRANSITIONS):
        assert check_transition(source, target, reason="fixed", note="because").target == target
    else:
        with pytest.raises(TransitionRefused, match=f"cannot change from {source} to {target}, only to"):
            check_transition(source, target, reason="fixed", note="because")


@pytest.mark.parametrize("reason", ["", "no such reason", "recovered"])
def test_closing_needs_a_reason_that_a_person_can_give(reason: str) -> None:
    words = "fixed; expected, or a change we made; false alarm; duplicate of another incident"
    with pytest.raises(TransitionRefused, match=rf"^reason: choose why you close it: {words}$"):
        check_transition(IncidentStatus.OPEN, IncidentStatus.CLOSED, reason=reason, note="")


def test_reopening_needs_a_note() -> None:
    with pytest.raises(TransitionRefused, match=r"^note:"):
        check_transition(IncidentStatus.CLOSED, IncidentStatus.OPEN, reason="", note="  ")


def test_every_reason_has_a_unique_name() -> None:
    assert len({reason.name for reason in CLOSE_REASONS}) == len(CLOSE_REASONS)


@given(st.lists(st.floats(-1e6, 1e6), max_size=400), st.integers(4, 60))
def test_a_thinned_history_keeps_its_order_end_and_worst_score(scores: list[float], most: int) -> None:
    score_history: list[list[float]] = []
    for at, score in enumerate(scores):
        score_history = thin_history([*score_history, [float(at), score]], most=most)
    assert len(score_history) == min(most, len(scores)) or len(score_history) <= most
    assert score_history == sorted(score_history)
    if scores:
        assert score_history[-1] == [len(scores) - 1.0, scores[-1]]
        assert max(abs(score) for _, score in score_history) == max(map(abs, scores))
