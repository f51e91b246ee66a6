"""Invariants of every fleet."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import Evaluation, ServiceState
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.simulation import Fault, FaultKind, FleetSpec, generate

SEEDS = st.integers(0, 2**31)
FLOORLESS = tuple(replace(signal, floor=1e-12) for signal in SIGNALS)
CLOSE = 0.05
"""Tolerance for scores: they are float32 and pass through a table of spreads."""


def fleet(seed: int, *faults: Fault, services: int = 24) -> Observation:
    rng = np.random.default_rng([seed, 1])
    return generate(FleetSpec.drawn(rng, services=services, faults=faults), seed)[0]


def taken(observation: Observation, order: NDArray[np.int64]) -> Observation:
    return replace(
        observation,
        services=tuple(observation.services[row] for row in order),
        zones=tuple(observation.zones[row] for row in order),
        now=observation.now[order],
        past=observation.past[order],
        deployed_s=observation.deployed_s[order],
    )


def flagged(evaluation: Evaluation) -> set[tuple[str, str]]:
    return {(flag.service, flag.signal) for flag in evaluation.flags}


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_services_does_not_matter(seed: int) -> None:
    observation = fleet(seed, Fault(factor=2.0, count=1), Fault(FaultKind.ZONE, 1.8))
    order = np.random.default_rng(seed).permutation(len(observation.services))
    straight, shuffled = evaluate(observation), evaluate(taken(observation, order))
    np.testing.assert_allclose(shuffled.score, straight.score[order], rtol=1e-4, atol=1e-4)
    assert (shuffled.state == straight.state[order]).all()
    assert flagged(shuffled) == flagged(straight)
    assert shuffled.events == straight.events


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, exponent=st.floats(-6, 6))
def test_the_size_of_a_service_does_not_matter(seed: int, exponent: float) -> None:
    observation = replace(fleet(seed, Fault(factor=2.0)), signals=FLOORLESS)
    observation.now[:, 1], observation.past[:, 1] = np.nan, np.nan  # Errors are counts: zeros cannot be scaled.
    scaled = replace(observation, now=observation.now.copy(), past=observation.past.copy())
    factor = np.float32(10.0**exponent)
    scaled.now[3] *= factor
    scaled.past[3] *= factor
    before, after = evaluate(observation), evaluate(scaled)
    np.testing.assert_allclose(after.score, before.score, atol=CLOSE)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, exponent=st.floats(-1.0, 1.0))
def test_a_common_change_flags_no_service(seed: int, exponent: float) -> None:
    # Without zones: which of them counts as "at its baseline" depends on the fleet.
    observation = replace(fleet(seed), signals=FLOORLESS, zones=("",) * 24)
    observation.now[:, 1], observation.past[:, 1] = np.nan, np.nan
    moved = replace(observation, now=observation.now * np.float32(np.exp(exponent)))
    before, after = evaluate(observation), evaluate(moved)
    assert flagged(after) == flagged(before)
    np.testing.assert_allclose(after.score, before.score, atol=CLOSE)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_an_additional_fault_hides_no_other(seed: int) -> None:
    slow = ("latency_p95", "database_write")
    one = fleet(seed, Fault(factor=3.0, services=(2,), signals=slow))
    two = fleet(seed, Fault(factor=3.0, services=(2,), signals=slow), Fault(factor=9.0, services=(5,), signals=slow))
    name = one.services[2]
    assert name in {flag.service for flag in evaluate(one).flags}
    assert {name, one.services[5]} <= {flag.service for flag in evaluate(two).flags}


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, minutes=st.integers(5, 60))
def test_a_service_that_stopped_sending_is_never_ok(seed: int, minutes: int) -> None:
    observation = fleet(seed)
    observation.now[4, :, -minutes:] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.state[4] == ServiceState.NO_DATA
    assert np.isnan(evaluation.score[4]).all()


def test_one_signal_that_stopped_is_enough_for_no_data() -> None:
    observation = fleet(11)
    observation.now[4, 3, -10:] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.state[4] == ServiceState.NO_DATA
    assert np.isnan(evaluation.score[4, 3])
    assert not np.isnan(evaluation.score[4, 2])


def test_a_signal_that_a_service_never_had_is_not_expected() -> None:
    observation = fleet(11)
    observation.now[4, 3], observation.past[4, 3] = np.nan, np.nan
    assert evaluate(observation).state[4] == ServiceState.OK


VALUES = st.sampled_from([0.0, 1e-9, 0.5, 1.0, 7.0, 1e6, 1e30, -1.0, float("nan"), float("inf")])


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    services, points, days = draw(st.integers(0, 40)), draw(st.integers(2, 70)), draw(st.integers(0, 7))
    rng = np.random.default_rng(draw(SEEDS))
    pool = np.array(draw(st.lists(VALUES, min_size=1, max_size=4)), dtype=np.float32)
    noise = draw(st.sampled_from([0.0, 0.2, 3.0]))
    shape = (services, len(SIGNALS))

    def values(*rest: int) -> NDArray[np.float32]:
        drawn = rng.choice(pool, (*shape, *rest)) * np.exp(noise * rng.standard_normal((*shape, *rest)))
        return np.asarray(drawn, dtype=np.float32)

    return Observation(
        services=tuple(f"s{number}" for number in range(services)),
        zones=tuple(draw(st.sampled_from(("", "a", "b"))) for _ in range(services)),
        signals=SIGNALS,
        times_s=draw(st.floats(0, 2e9)) + 60.0 * np.arange(points, dtype=np.float64),
        now=values(points),
        past=values(days, points),
        deployed_s=np.where(rng.random(services) < 0.5, np.nan, 1e9),
    )


@pytest.mark.filterwarnings("error")
@settings(max_examples=100, deadline=None)
@given(observation=observations())
def test_any_observation_is_evaluated(observation: Observation) -> None:
    evaluation = evaluate(observation)
    services, signals, points = observation.now.shape
    assert evaluation.score.shape == evaluation.ratio.shape == (services, signals)
    assert evaluation.peer_median.shape == (signals, points)
    assert not np.isinf(evaluation.score).any()
    out = {observation.services[row] for row in np.nonzero(evaluation.state == ServiceState.OUTLIER)[0]}
    assert {flag.service for flag in evaluation.flags} == out
    for flag in evaluation.flags:
        assert observation.times_s[0] <= flag.since_s <= evaluation.at_s
        assert "nan" not in flag.sentence
        assert "inf" not in flag.sentence
        assert np.isfinite([flag.value, flag.baseline, flag.peer_median, flag.score]).all()
    nothing = ~np.isfinite(observation.now).any(axis=(1, 2))
    assert (evaluation.state[nothing] == ServiceState.NO_DATA).all()
