"""One thing wrong at a time, and what the engine says of it."""

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
CALM = FleetSpec(services=40, noise=(0.05, 0.12))


def look(*faults: Fault, spec: FleetSpec = CALM, seed: int = 5) -> Evaluation:
    return evaluate(generate(spec.sick_with(*faults), seed)[0])


def the_flag(evaluation: Evaluation) -> OutlierFlag:
    (flag,) = evaluation.flags
    return flag


def test_nothing_wrong_is_nothing_said() -> None:
    evaluation = look()
    assert (evaluation.flags, evaluation.events) == ((), ())
    assert evaluation.count(ServiceState.OK) == 40


@pytest.mark.parametrize("minutes", [20, 30, 45])
def test_a_level_is_flagged_with_its_reason_and_since_when(minutes: int) -> None:
    flag = the_flag(look(Fault(factor=3.0, services=(WHO,), signals=ONE, start_s=60.0 * minutes)))
    assert (flag.service, flag.signal, flag.kind) == ("catalogue", "database_write", "level")
    assert flag.value / flag.baseline == pytest.approx(3.0, rel=0.25)
    assert flag.peer_median / flag.baseline == pytest.approx(1.0, abs=0.1)
    assert abs(flag.since_s - (NOON_S - 60.0 * minutes)) <= 120.0
    assert flag.peers == 39
    assert flag.window_s == 3600.0


def test_a_flag_that_was_there_before_keeps_its_beginning() -> None:
    observation, _ = generate(CALM.sick_with(Fault(factor=3.0, services=(WHO,), signals=ONE)), 5)
    flag = the_flag(evaluate(observation, since={("catalogue", "database_write"): NOON_S - 7_000.0}))
    assert flag.since_s == NOON_S - 7_000.0
    assert "since 10:03 UTC" in flag.sentence


def test_what_grows_little_by_little_is_a_drift() -> None:
    flag = the_flag(look(Fault(FaultKind.DRIFT, 3.0, services=(WHO,), signals=ONE)))
    assert flag.kind == "drift"
    assert "has risen little by little" in flag.sentence


def test_what_begins_with_a_deploy_is_a_step() -> None:
    flag = the_flag(look(Fault(FaultKind.STEP, 2.5, services=(WHO,), signals=ONE, start_s=1_500.0)))
    assert flag.kind == "step"
    assert "when it was deployed (11:35 UTC)" in flag.sentence


def test_a_restless_service_is_flagged_as_such() -> None:
    flag = the_flag(look(Fault(FaultKind.SPREAD, 6.0, services=(WHO,), signals=ONE)))
    assert flag.kind == "spread"
    assert "is restless" in flag.sentence


def test_what_is_over_is_not_flagged() -> None:
    assert look(Fault(factor=3.0, services=(WHO,), signals=ONE, start_s=3_600.0, end_s=1_500.0)).flags == ()


def test_falling_matters_only_where_falling_is_bad() -> None:
    assert look(Fault(factor=0.3, services=(WHO,), signals=ONE)).flags == ()
    flag = the_flag(look(Fault(factor=0.3, services=(WHO,), signals=("request_rate",))))
    assert flag.value < flag.baseline
    assert flag.score > 0


def test_a_change_too_small_to_matter_is_not_flagged_however_sure_it_is() -> None:
    still = replace(CALM, noise=(0.01, 0.01), wander=(0.0, 0.005), own_weekend=0.0)
    assert look(Fault(factor=1.12, services=(WHO,), signals=ONE), spec=still).flags == ()
    assert look(Fault(factor=1.4, services=(WHO,), signals=ONE), spec=still).flags != ()


def test_errors_where_there_were_none() -> None:
    observation, _ = generate(CALM, 5)
    observation.now[:, 1], observation.past[:, 1] = 0.0, 0.0
    observation.now[WHO, 1, -30:] = 0.05
    flag = the_flag(evaluate(observation))
    assert flag.signal == "error_ratio"
    assert "5.0 %, usually 0 % at this time of day" in flag.sentence


def test_errors_in_a_minute_now_and_then_are_no_trouble_and_many_are() -> None:
    observation, _ = generate(CALM, 5)
    rng = np.random.default_rng(5)
    for values in (observation.now[:, 1], observation.past[:, 1]):
        values[...] = 0.01 * (rng.random(values.shape) < 0.03)
    assert evaluate(observation).flags == ()
    observation.now[WHO, 1, -30:] = 0.01
    assert the_flag(evaluate(observation)).signal == "error_ratio"


def test_a_constant_signal_that_moves() -> None:
    observation, _ = generate(CALM, 5)
    observation.now[:, 5], observation.past[:, 5] = 0.3, 0.3
    assert evaluate(observation).flags == ()
    observation.now[WHO, 5, -40:] = 0.6
    assert the_flag(evaluate(observation)).signal == "saturation"


def shown_on(observation: Observation, *days: int, factor: float) -> Observation:
    for day in days:
        observation.past[WHO, 4, day - 1] *= factor
    return observation


def test_what_two_earlier_days_show_is_usual() -> None:
    sick = CALM.sick_with(Fault(factor=1.6, services=(WHO,), signals=ONE))
    assert evaluate(shown_on(generate(sick, 5)[0], 6, 7, factor=2.0)).flags == ()
    assert evaluate(shown_on(generate(sick, 5)[0], 3, factor=2.0)).flags != ()


def test_a_weekend_is_no_incident_and_hides_none() -> None:
    saturday = replace(CALM, at_s=NOON_S + 3 * DAY_S, weekend=-0.6)
    assert look(spec=saturday).events == ()
    (event,) = look(Fault(FaultKind.FLEET, 1.6), spec=saturday).events
    assert event.shift == pytest.approx(1.6, rel=0.15)


def test_a_strong_season_of_its_own_is_no_trouble() -> None:
    observation, _ = generate(replace(CALM, season=(0.9, 1.2), common=0.0), 5)
    assert evaluate(observation).flags == ()


def test_half_of_the_past_is_enough() -> None:
    observation, _ = generate(CALM.sick_with(Fault(factor=2.5, services=(WHO,), signals=ONE)), 5)
    observation.past[:, :, ::2] = np.nan
    assert the_flag(evaluate(observation)).service == "catalogue"


def test_a_gap_of_the_whole_fleet_is_no_data() -> None:
    observation, _ = generate(CALM, 5)
    observation.now[:, :, -10:] = np.nan
    evaluation = evaluate(observation)
    assert evaluation.count(ServiceState.NO_DATA) == 40
    assert (evaluation.flags, evaluation.events) == ((), ())


def test_a_gap_in_the_middle_changes_nothing() -> None:
    observation, _ = generate(CALM.sick_with(Fault(factor=2.5, services=(WHO,), signals=ONE)), 5)
    observation.now[:, :, 20:35] = np.nan
    assert the_flag(evaluate(observation)).service == "catalogue"


def test_a_new_service_is_learning_until_it_is_far_beyond_its_peers() -> None:
    observation, _ = generate(CALM, 5)
    observation.past[WHO] = np.nan
    assert evaluate(observation).state[WHO] == ServiceState.LEARNING
    observation.now[WHO, 4] = 40 * np.nanmedian(observation.now[:, 4])
    flag = the_flag(evaluate(observation))
    assert "too new to have a usual of its own" in flag.sentence


@pytest.mark.parametrize("services", [1, 2, 3])
def test_without_peers_its_own_past_speaks(services: int) -> None:
    fault = Fault(factor=3.0, services=(0,), signals=ONE)
    flag = the_flag(look(fault, spec=replace(CALM, services=services)))
    assert flag.peers == services - 1
    assert "with so few peers its own past alone speaks" in flag.sentence


def test_a_flapping_service_stays_flagged_instead_of_going_on_and_off() -> None:
    fault = Fault(FaultKind.FLAP, 3.0, services=(WHO,), signals=ONE, end_s=-7_200.0)
    simulated = SimulatedFleet(CALM.sick_with(fault), 5)
    states = [evaluate(simulated.observe(NOON_S + 300.0 * number)).state[WHO] for number in range(13)]
    assert sum(after == ServiceState.OUTLIER != before for before, after in pairwise(states)) <= 1


def test_fewer_false_alarms_are_asked_of_a_larger_fleet() -> None:
    policy = DetectionPolicy()
    assert (
        policy.threshold(8, 6) == policy.threshold(1_000, 6) < policy.threshold(3_000, 6) < policy.threshold(10_000, 6)
    )
