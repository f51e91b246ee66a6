"""A dataset's state is the most urgent thing that its signs show."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.console.core.dataset_state import DatasetState, DatasetStateInputs, dataset_state

CALM = DatasetStateInputs(sources=4, assigned=4, stopped=0, active_last_minute=False, fresh_s=90.0, latency_s=None)
SIGNS = st.builds(
    DatasetStateInputs,
    sources=st.integers(0, 3),
    assigned=st.integers(0, 3),
    stopped=st.integers(0, 3),
    active_last_minute=st.booleans(),
    fresh_s=st.none() | st.floats(0, 1e6),
    latency_s=st.none() | st.floats(0, 1e6),
)


@pytest.mark.parametrize(
    ("signs", "state"),
    [
        (CALM, DatasetState.IDLE),
        (replace(CALM, active_last_minute=True), DatasetState.ACTIVE),
        (replace(CALM, latency_s=60.0), DatasetState.LATE),
        (replace(CALM, latency_s=60.0, assigned=0), DatasetState.UNASSIGNED),
        (replace(CALM, stopped=1, assigned=0), DatasetState.STOPPED),
        (replace(CALM, fresh_s=None), DatasetState.EMPTY),
        (DatasetStateInputs(0, 0, 0, active_last_minute=True, fresh_s=2.0, latency_s=None), DatasetState.ACTIVE),
        (DatasetStateInputs(0, 0, 0, active_last_minute=False, fresh_s=None, latency_s=60.0), DatasetState.EMPTY),
    ],
)
def test_the_signs_show_the_state(signs: DatasetStateInputs, state: DatasetState) -> None:
    assert dataset_state(signs) is state


@given(SIGNS)
def test_trouble_is_never_hidden_by_anything_else(signs: DatasetStateInputs) -> None:
    assert (dataset_state(signs) is DatasetState.STOPPED) == (signs.stopped > 0)


@pytest.mark.parametrize("state", DatasetState)
def test_each_state_has_a_word_and_says_what_it_means(state: DatasetState) -> None:
    assert state.word
    assert state.meaning.endswith(".")
