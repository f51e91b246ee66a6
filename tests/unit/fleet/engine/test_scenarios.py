"""One fault at a time, and how the engine describes it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import Evaluation, OutlierFlag, ServiceState
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.policy import DetectionPolicy
from apps.fleet.simulation import Fault, FaultKind, FleetSpec, SimulatedFleet, generate
from apps.fleet.simulation.spec import DAY_S, NOON_S

ONE = ("database_write",)
WHO = 7
QUIET = FleetSpec(services=40, noise=(0.05, 0.12))


def evaluated(*faults: Fault, spec: FleetSpec = QUIET, seed: int = 5) -> Evaluation:
    return evaluate(generate(spec.with_faults(*faults), seed)[0])


def the_flag(evaluation: Evaluation) -> OutlierFlag:
    (flag,) = evaluation.flags
    return flag


def test_a_healthy_fleet_has_no_flags() -> None:
    evaluation = evaluated()
    assert (evaluation.flags, evaluation.events) == ((), ())
    assert evaluation.count(ServiceState.OK) == 40


@pytest.mark.parametrize("minutes", [20, 30, 45])
def test_a_level_change_is_flagged_with_reason_and_start(minutes: int) -> None:
    flag = the_flag(evaluated(Fault(factor=3.0, services=(WHO,), signals=ONE, start_s=60.0 * minutes)))
    assert (flag.service, flag.signal, flag.kind) == ("catalogue", "database_write", "level")
    assert flag.value / flag.baseline == pytest.approx(3.0, rel=0.25)
    assert flag.peer_median / flag.baseline == pytest.approx(1.0, abs=0.1)
    assert abs(flag.since_s - (NOON_S - 60.0 * minutes)) <= 120.0
    assert flag.peers == 39
    assert flag.window_s == 3600.0


def test_an_existing_flag_keeps_its_start() -> None:
    observation, _ = generate(QUIET.with_faults(Fault(factor=3.0, services=(WHO,), signals=ONE)), 5)
    flag = the_flag(evaluate(observation, since={("catalogue", "database_write"): NOON_S - 7_000.0}))
    assert flag.since_s == NOON_S - 7_000.0
    assert "Since 10:03 UTC" in flag.sentence


def test_gradual_growth_is_a_drift() -> None:
    flag = the_flag(evaluated(Fault(FaultKind.DRIFT, 3.0, services=(WHO,), signals=ONE)))
    assert flag.kind == "drift"
    assert "has risen gradually" in flag.sentence


def test_a_change_after_a_deploy_is_a_step() -> None:
    flag = the_flag(evaluated(Fault(FaultKind.STEP, 2.5, services=(WHO,), signals=ONE, start_s=1_500.0)))
    assert flag.kind == "step"
    assert "after a deploy (11:35 UTC)" in flag.sentence


def test_an_unsteady_service_is_flagged_as_such() -> None:
    flag = the_flag(evaluated(Fault(FaultKind.SPREAD, 6.0, services=(WHO,), signals=ONE)))
    assert flag.kind == "spread"
    assert "is unsteady" in flag.sentence


def test_a_past_deviation_is_not_flagged() -> None:
    assert evaluated(Fault(factor=3.0, services=(WHO,), signals=ONE, start_s=3_600.0, end_s=1_500.0)).flags == ()


def test_a_fall_is_flagged_only_if_falling_is_bad() -> None:
    assert evaluated(Fault(factor=0.3, services=(WHO,), signals=ONE)).flags == ()
    flag = the_flag(evaluated(Fault(factor=0.3, services=(WHO,), signals=("request_rate",))))
    assert flag.value < flag.baseline
    assert flag.score > 0


def test_a_small_change_is_not_flagged_however_significant() -> None:
    still = replace(QUIET, noise=(0.01, 0.01), wander=(0.0, 0.005), own_weekend=0.0)
    assert evaluated(Fault(factor=1.12, services=(WHO,), signals=ONE), spec=still).flags == ()
    assert evaluated(Fault(factor=1.4, services=(WHO,), signals=ONE), spec=still).flags != ()


def test_new_errors_are_flagged() -> None:
    observation, _ = generate(QUIET, 5)
    observation.now[:, 1], observation.past[:, 1] = 0.0, 0.0
    observation.now[WHO, 1, -30:] = 0.05
    flag = the_flag(evaluate(observation))
    assert flag.signal == "error_ratio"
    assert "5.0 %, normally 0 % at this time of day" in flag.sentence


def test_occasional_errors_are_not_flagged_and_many_are() -> None:
    observation, _ = generate(QUIET, 5)
    rng = np.random.default_rng(5)
    for values in (observation.now[:, 1], observation.past[:, 1]):
        values[...] = 0.01 * (rng.random(values.shape) < 0.03)
    assert evaluate(observation).flags == ()
    observation.now[WHO, 1, -30:] = 0.01
    assert the_flag(evaluate(observation)).signal == "error_ratio"


def test_a_change_of_a_constant_signal_is_flagged() -> None:
    observation, _ = generate(QUIET, 5)
    observation.now[:, 5], observation.past[:, 5] = 0.3, 0.3
    assert evaluate(observation).flags == ()
    observation.now[WHO, 5, -40:] = 0.6
    assert the_flag(evaluate(observation)).signal == "saturation"


def shown_on(observation: Observation, *days: int, factor: float) -> Observation:
    for day in days:
        observation.past[WHO, 4, day - 1] *= factor
    return observation


def test_a_deviation_on_two_earlier_days_is_part_of_the_baseline() -> None:
    faulty = QUIET.with_faults(Fault(factor=1.6, services=(WHO,), signals=ONE))
    assert evaluate(shown_on(generate(faulty, 5)[0], 6, 7, factor=2.0)).flags == ()
    assert evaluate(shown_on(generate(faulty, 5)[0], 3, factor=2.0)).flags != ()


def test_a_weekend_is_not_an_event_and_hides_none() -> None:
    saturday = replace(QUIET, at_s=NOON_S + 3 * DAY_S, weekend=-0.6)
    assert evaluated(spec=saturday).events == ()
    (event,) = evaluated(Fault(FaultKind.FLEET, 1.6), spec=saturday).events
    assert event.shift == pytest.approx(1.6, rel=0.15)


def test_a_strong_daily_pattern_is_not_flagged() -> None:
    observation, _ = generate(replace(QUIET, season=(0.9, 1.2), common=0.0), 5)
    assert evaluate(observation).flags == ()


def test_half_of_the_past_is_enough() -> None:
    observation, _ = generate(QUIET.with_faults(Fault(factor=2.5, services=(WHO,), signals=ONE)), 5)
    observation.past[:, :, ::2] = np.nan
    assert the_flag(evaluate(observation)).service == "catalogue"


def test_a_gap_of_the_entire_fleet_is_no_data() -> None:
    observation, _ = generate(QUIET, 5)
    observation.now[:, :, -10:] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.count(ServiceState.NO_DATA) == 40
    assert (evaluation.flags, evaluation.events) == ((), ())


def test_a_gap_in_the_middle_changes_nothing() -> None:
    observation, _ = generate(QUIET.with_faults(Fault(factor=2.5, services=(WHO,), signals=ONE)), 5)
    observation.now[:, :, 20:35] = np.nan
    assert the_flag(evaluate(observation)).service == "catalogue"


def test_a_new_service_is_learning_until_it_is_far_beyond_its_peers() -> None:
    observation, _ = generate(QUIET, 5)
    observation.past[WHO] = np.nan
    assert evaluate(observation).state[WHO] == ServiceState.LEARNING
    observation.now[WHO, 4] = 40 * np.nanmedian(observation.now[:, 4])
    flag = the_flag(evaluate(observation))
    assert "too new to have a baseline" in flag.sentence


@pytest.mark.parametrize("services", [1, 2, 3])
def test_a_service_without_peers_is_compared_with_its_past(services: int) -> None:
    fault = Fault(factor=3.0, services=(0,), signals=ONE)
    flag = the_flag(evaluated(fault, spec=replace(QUIET, services=services)))
    assert flag.peers == services - 1
    assert "too few peers to compare with" in flag.sentence


def test_a_flapping_service_stays_flagged() -> None:
    fault = Fault(FaultKind.FLAP, 3.0, services=(WHO,), signals=ONE, end_s=-7_200.0)
    simulated = SimulatedFleet(QUIET.with_faults(fault), 5)
    states = [evaluate(simulated.observe(NOON_S + 300.0 * number)).state[WHO] for number in range(13)]
    assert sum(after == ServiceState.OUTLIER != before for before, after in pairwise(states)) <= 1


def test_the_threshold_grows_with_the_fleet() -> None:
    policy = DetectionPolicy()
    assert (
        policy.threshold(8, 6) == policy.threshold(1_000, 6) < policy.threshold(3_000, 6) < policy.threshold(10_000, 6)
    )
