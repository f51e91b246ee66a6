"""The syntax of faults: their effect on a fleet, and its time."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.fleet.engine.observation_builder import INDEX
from apps.fleet.simulation import FaultKind, FleetSpec, SimulatedFleet
from apps.fleet.simulation.fault_spec import InvalidFault, parse_fault

START_S = 1_800_000_000.0
SPEC = FleetSpec(services=12, at_s=START_S, gaps=0)
HEALTHY = SimulatedFleet(SPEC, 3)
MAIL = HEALTHY.services[5]
LATENCY = INDEX["latency_p95"]


def _ratio(words: str, after_s: float) -> NDArray[np.float32]:
    """The fault's factor on each service's latency, this many seconds after the start."""
    fault = parse_fault(words, HEALTHY.services, HEALTHY.zones)
    at_s = np.array([START_S + after_s])
    faulty = SimulatedFleet(replace(SPEC, faults=(fault,)), 3)
    ratio: NDArray[np.float32] = faulty.values(at_s)[:, LATENCY, 0] / HEALTHY.values(at_s)[:, LATENCY, 0]
    return ratio


@pytest.mark.parametrize(("after_s", "factor"), [(-60, 1), (540, 1), (600, 3), (86_400, 3)])
def test_a_fault_begins_at_its_time_and_stays(after_s: float, factor: float) -> None:
    ratio = _ratio(f"level:{MAIL}:latency_p95:3:600", after_s)
    assert ratio[5] == pytest.approx(factor, rel=1e-3)
    assert np.delete(ratio, 5) == pytest.approx(1)


def test_a_fault_without_a_time_began_an_hour_ago() -> None:
    words = f"level:{MAIL}:slow:2"
    assert _ratio(words, 0)[5] == pytest.approx(2, rel=1e-3)
    assert _ratio(words, -3660)[5] == pytest.approx(1)


def test_a_drift_is_half_way_after_three_hours() -> None:
    assert _ratio(f"drift:{MAIL}:latency_p95:4:0", 3 * 3600)[5] == pytest.approx(2, rel=0.01)


def test_a_gap_is_silence_and_a_zone_moves_as_one() -> None:
    gap = parse_fault(f"gap:{MAIL}:*:1", HEALTHY.services, HEALTHY.zones)
    assert np.isnan(SimulatedFleet(replace(SPEC, faults=(gap,)), 3).values(np.array([START_S]))[5]).all()
    for words in ("zone:b:latency_p95:2", f"zone:{HEALTHY.services[1]}:latency_p95:2"):
        moved = _ratio(words, 0) > 1.5
        assert moved.tolist() == [zone == "b" for zone in HEALTHY.zones]


def test_a_fleet_fault_affects_every_service() -> None:
    assert (_ratio("fleet:*:latency_p95:1.6", 0) > 1.5).all()


@pytest.mark.parametrize("kind", ["level", "step", "drift", "noisy", "flap", "gap", "zone", "neighbour", "fleet"])
def test_every_kind_of_fault_can_be_parsed(kind: str) -> None:
    assert parse_fault(f"{kind}:{MAIL}:latency_p95:2", HEALTHY.services, HEALTHY.zones).kind in FaultKind


@pytest.mark.parametrize("kind", ["zone", "neighbour"])
def test_an_unknown_zone_lists_the_zones(kind: str) -> None:
    with pytest.raises(InvalidFault, match=r"^'zz' is neither a zone nor a service; zones: a, b, c$"):
        parse_fault(f"{kind}:zz:slow:2", HEALTHY.services, HEALTHY.zones)


@pytest.mark.parametrize("words", ["", ":", "level", "level:a:b:c:d:e", "level:mail:slow:nan", "level:mail:slow:1e9"])
def test_an_invalid_fault_is_refused(words: str) -> None:
    with pytest.raises(InvalidFault):
        parse_fault(words, HEALTHY.services, HEALTHY.zones)
