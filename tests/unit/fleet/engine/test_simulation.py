"""The simulated fleets with which the engine is measured."""

from dataclasses import replace

import numpy as np
import pytest

from apps.fleet.engine.signals import SIGNALS
from apps.fleet.simulation import Fault, FaultKind, FleetSpec, SimulatedFleet, generate
from apps.fleet.simulation.spec import NOON_S

SMALL = FleetSpec(services=6)


def test_the_seed_determines_the_fleet() -> None:
    first, again, other = (generate(SMALL, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.past, again.past)
    assert not np.array_equal(first.now, other.now, equal_nan=True)


def test_a_minute_always_has_the_same_values() -> None:
    fleet = SimulatedFleet(SMALL.with_faults(Fault(FaultKind.FLAP, services=(2,))), 3)
    now, later = fleet.observe(NOON_S), fleet.observe(NOON_S + 600.0)
    np.testing.assert_allclose(later.now[:, :, :50], now.now[:, :, 10:], rtol=1e-5)


def test_each_service_has_its_own_name() -> None:
    assert len(set(SimulatedFleet(FleetSpec(services=3_000), 1).services)) == 3_000


def test_gaps_have_the_requested_share() -> None:
    observation, _ = generate(replace(SMALL, services=30, gaps=0.05), 4)
    assert np.isnan(observation.past).mean() == pytest.approx(0.05, abs=0.01)


def test_errors_are_counted_among_the_requests() -> None:
    observation, _ = generate(replace(SMALL, services=30, gaps=0.0), 4)
    counts = observation.now[:, 1].astype(np.float64) * observation.now[:, 0] * 60.0
    assert (observation.now[:, 1] == 0).any()
    np.testing.assert_allclose(counts, np.round(counts), atol=0.01)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_only_services_in_the_truth_differ(kind: FaultKind) -> None:
    fault = Fault(kind, 3.0, signals=("latency_p95",), services=(1,), start_s=1_200.0)
    faulty, truth = generate(SMALL.with_faults(fault), 5)
    healthy, _ = generate(SMALL, 5)
    differs = np.asarray(~np.isclose(faulty.now, healthy.now, equal_nan=True, rtol=1e-4).all(axis=2))
    np.testing.assert_array_equal(faulty.past, healthy.past)
    expected = truth.faulty | truth.together | truth.silent
    if kind is FaultKind.FLEET:
        expected[:, [signal.name for signal in SIGNALS].index("latency_p95")] = True
        assert truth.shift == 3.0
    # Errors are redrawn where the number of requests changes.
    differs[:, 1] = expected[:, 1]
    np.testing.assert_array_equal(differs, expected)


def test_a_hard_fleet_draws_its_own_parameters() -> None:
    specs = [FleetSpec.hard(np.random.default_rng(seed), services=50, factor=1.5) for seed in range(5)]
    assert len({spec.noise for spec in specs}) == 5
    assert len({len(spec.zones) for spec in specs}) > 1
    assert all(1 <= len(spec.faults) <= 5 for spec in specs)
    assert len({fault.signals for spec in specs for fault in spec.faults}) > 3
