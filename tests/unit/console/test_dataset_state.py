"""A dataset has the most urgent state that applies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.console.core.dataset_state import DatasetState, DatasetStateInputs, dataset_state

HEALTHY = DatasetStateInputs(sources=4, assigned=4, stopped=0, active_last_minute=False, fresh_s=90.0, latency_s=None)
INPUTS = st.builds(
    DatasetStateInputs,
    sources=st.integers(0, 3),
    assigned=st.integers(0, 3),
    stopped=st.integers(0, 3),
    active_last_minute=st.booleans(),
    fresh_s=st.none() | st.floats(0, 1e6),
    latency_s=st.none() | st.floats(0, 1e6),
)


@pytest.mark.parametrize(
    ("inputs", "state"),
    [
        (HEALTHY, DatasetState.IDLE),
        (replace(HEALTHY, active_last_minute=True), DatasetState.ACTIVE),
        (replace(HEALTHY, latency_s=60.0), DatasetState.LATE),
        (replace(HEALTHY, latency_s=60.0, assigned=0), DatasetState.UNASSIGNED),
        (replace(HEALTHY, stopped=1, assigned=0), DatasetState.STOPPED),
        (replace(HEALTHY, fresh_s=None), DatasetState.EMPTY),
        (DatasetStateInputs(0, 0, 0, active_last_minute=True, fresh_s=2.0, latency_s=None), DatasetState.ACTIVE),
        (DatasetStateInputs(0, 0, 0, active_last_minute=False, fresh_s=None, latency_s=60.0), DatasetState.EMPTY),
    ],
)
def test_the_inputs_determine_the_state(inputs: DatasetStateInputs, state: DatasetState) -> None:
    assert dataset_state(inputs) is state


@given(INPUTS)
def test_a_stopped_source_takes_precedence(inputs: DatasetStateInputs) -> None:
    assert (dataset_state(inputs) is DatasetState.STOPPED) == (inputs.stopped > 0)


@pytest.mark.parametrize("state", DatasetState)
def test_each_state_has_a_word_and_an_explanation(state: DatasetState) -> None:
    assert state.word
    assert state.meaning.endswith(".")
