"""A dataset's state is the most urgent thing that its signs show."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.console.core.state import Signs, State, state_of

CALM = Signs(sources=4, attended=4, troubled=0, moved_last_minute=False, fresh_s=90.0, latency_s=None)
SIGNS = st.builds(
    Signs,
    sources=st.integers(0, 3),
    attended=st.integers(0, 3),
    troubled=st.integers(0, 3),
    moved_last_minute=st.booleans(),
    fresh_s=st.none() | st.floats(0, 1e6),
    latency_s=st.none() | st.floats(0, 1e6),
)


@pytest.mark.parametrize(
    ("signs", "state"),
    [
        (CALM, State.QUIET),
        (replace(CALM, moved_last_minute=True), State.MOVING),
        (replace(CALM, latency_s=60.0), State.LATE),
        (replace(CALM, latency_s=60.0, attended=0), State.UNATTENDED),
        (replace(CALM, troubled=1, attended=0), State.STOPPED),
        (replace(CALM, fresh_s=None), State.EMPTY),
        (Signs(0, 0, 0, moved_last_minute=True, fresh_s=2.0, latency_s=None), State.MOVING),
        (Signs(0, 0, 0, moved_last_minute=False, fresh_s=None, latency_s=60.0), State.EMPTY),
    ],
)
def test_the_signs_show_the_state(signs: Signs, state: State) -> None:
    assert state_of(signs) is state


@given(SIGNS)
def test_trouble_is_never_hidden_by_anything_else(signs: Signs) -> None:
    assert (state_of(signs) is State.STOPPED) == (signs.troubled > 0)


@pytest.mark.parametrize("state", State)
def test_each_state_has_a_word_and_says_what_it_means(state: State) -> None:
    assert state.word
    assert state.meaning.endswith(".")
