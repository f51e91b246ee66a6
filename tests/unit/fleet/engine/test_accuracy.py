"""The accuracy of the engine over many random fleets, with margins for the random draw."""

from collections.abc import Iterator

import numpy as np
import pytest

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import Evaluation, ServiceState
from apps.fleet.simulation import Fault, FaultKind, FleetSpec, GroundTruth, generate

MASTER = 2_026
SIGNALS = ("request_rate", "latency_p95", "database_read", "database_write")


def evaluations(
    services: int, count: int, *, factor: float | None = None, faults: tuple[Fault, ...] = ()
) -> Iterator[tuple[Evaluation, GroundTruth]]:
    for number in range(count):
        rng = np.random.default_rng([MASTER, services, number])
        spec = FleetSpec.drawn(rng, services=services) if factor is None else None
        spec = spec or FleetSpec.hard(rng, services=services, factor=factor or 1.0)
        observation, truth = generate(spec.with_faults(*faults), int(rng.integers(2**31)))
        yield evaluate(observation), truth


@pytest.mark.parametrize(
    ("services", "count", "factor", "precision", "recall"),
    [(8, 50, 1.5, 0.9, 0.75), (50, 24, 1.5, 0.92, 0.8), (50, 16, 2.0, 0.93, 0.97), (400, 4, 1.5, 0.92, 0.8)],
)
def test_faulty_services_are_flagged(
    services: int, count: int, factor: float, precision: float, recall: float
) -> None:
    right = flagged = faulty = 0
    for evaluation, truth in evaluations(services, count, factor=factor):
        out = evaluation.state == ServiceState.OUTLIER
        right += int((out & truth.faulty_services).sum())
        flagged += int(out.sum())
        faulty += int(truth.faulty_services.sum())
    assert right >= precision * flagged
    assert right >= recall * faulty


@pytest.mark.parametrize(("services", "count", "most"), [(8, 50, 0.01), (50, 30, 0.003), (400, 4, 0.003)])
def test_healthy_services_are_not_flagged(services: int, count: int, most: float) -> None:
    flagged = sum(evaluation.count(ServiceState.OUTLIER) for evaluation, _ in evaluations(services, count))
    assert flagged <= most * services * count


@pytest.mark.parametrize("services", [8, 50])
def test_a_fleet_that_shifts_together_is_one_event_without_flags(services: int) -> None:
    fault = Fault(FaultKind.FLEET, 1.6, signals=SIGNALS)
    flagged = 0
    for evaluation, _ in evaluations(services, 16, faults=(fault,)):
        (event,) = evaluation.events
        assert event.zone == ""
        assert set(event.signals) == set(SIGNALS)
        assert event.shift == pytest.approx(1.6, rel=0.25)
        flagged += evaluation.count(ServiceState.OUTLIER)
    assert flagged <= 0.005 * services * 16


def test_an_outlier_is_found_while_the_fleet_shifts() -> None:
    faults = (Fault(FaultKind.FLEET, 1.6, signals=SIGNALS), Fault(factor=2.5))
    found = events = 0
    for evaluation, truth in evaluations(50, 16, faults=faults):
        found += int(evaluation.state[truth.faulty_services][0] == ServiceState.OUTLIER)
        events += len(evaluation.events)
    assert found >= 15
    assert events == 16


def test_a_shifted_zone_is_an_event_and_its_members_refer_to_it() -> None:
    named = members = struck = strangers = 0
    for evaluation, truth in evaluations(50, 16, faults=(Fault(FaultKind.ZONE, 1.7, start_s=2_400.0),)):
        named += [event.zone for event in evaluation.events] == list(truth.zones)
        members += len({flag.service for flag in evaluation.flags if flag.zone == truth.zones[0]})
        strangers += len({flag.service for flag in evaluation.flags if not flag.zone})
        struck += int(truth.affected_services.sum())
    assert named >= 15
    assert members >= 0.85 * struck
    assert strangers <= 3


def test_a_noisy_neighbour_is_named_with_its_zone() -> None:
    fault = Fault(FaultKind.NEIGHBOUR, 1.7, signals=("database_read", "database_write"), services=(7,))
    named = 0
    for evaluation, _ in evaluations(50, 10, faults=(fault,)):
        neighbour = [event for event in evaluation.events if "may be the noisy neighbour" in event.sentence]
        named += bool(neighbour) and evaluation.services[7] in neighbour[0].sentence
    assert named >= 9
