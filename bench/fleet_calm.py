"""False alarms: when the fleet shifts, when nothing is wrong, when a service flaps, when data stops."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.simulation import Fault, FaultKind, FleetSpec, SimulatedFleet, generate
from bench.fleet_accuracy import ANDEN, found_by
from bench.fleet_rivals import RIVALS
from bench.result import Result, least, limit

FLEETS: Final = {8: 40, 50: 20, 1000: 2}
HEALTHY: Final = {8: 400, 50: 200, 1000: 8}
"""Fleets without faults: measuring two in a thousand takes many services."""
_MOVED: Final = ("request_rate", "latency_p95", "database_read", "database_write")
_LEAST_FALSE: Final = {8: 1.0, 50: 0.2, 1000: 0.2}
"""Maximum share of healthy services flagged per evaluation, per cent."""
_FLAPPING: Final = 4
_EVERY_S: Final = 300.0


@dataclass(slots=True)
class Calm:
    """Results by size of the fleet; shares in per cent of healthy services."""

    incident: dict[int, dict[str, float]] = field(default_factory=dict)
    events: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Andén's events: the number of fleets with exactly one, and the number of fleets."""
    healthy: dict[int, float] = field(default_factory=dict)
    silent: float = 0.0
    """The share of silent services reported as no data, per cent."""
    openings: float = 0.0
    """How often per hour the flag of a flapping service opens."""


def measure(first_seed: int) -> Calm:
    """All results, on fleets drawn from this seed."""
    calm = Calm()
    for services, count in FLEETS.items():
        _incidents(calm, services, count, first_seed)
        _healthy(calm, services, HEALTHY[services], first_seed)
        print(
            f"fleet: N={services:,}: entire fleet ×1.6: {calm.incident[services][ANDEN]:.2f} % of the healthy, "
            f"nothing wrong {calm.healthy[services]:.2f} %",
            flush=True,
        )
    calm.silent, calm.openings = _silent(first_seed), _openings(first_seed)
    return calm


def claims(calm: Calm) -> list[Result]:
    """The claims for the README."""
    incidents = [
        limit(f"The entire fleet of {services:,} at ×1.6: healthy services flagged", "%", shares[ANDEN], most=0.5)
        for services, shares in calm.incident.items()
        if services >= 50
    ]
    one, fleets = (sum(counts) for counts in zip(*calm.events.values(), strict=True))
    healthy = [
        limit(f"Nothing wrong in a fleet of {services:,}: services flagged", "%", share, most=_LEAST_FALSE[services])
        for services, share in calm.healthy.items()
    ]
    return [
        *incidents,
        least("… and shown as exactly one event", "%", 100.0 * one / fleets, target=95.0),
        *healthy,
        least("Services that stopped sending, shown as no data", "%", calm.silent, target=100.0),
    ]


def markdown(calm: Calm) -> str:
    """The Markdown table: per cent of healthy services flagged while the entire fleet is at ×1.6."""
    names = [ANDEN, *(rival.name for rival in RIVALS)]
    lines = [f"| N, entire fleet ×1.6 | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for services, shares in calm.incident.items():
        lines.append(f"| {services:,} | {' | '.join(f'{shares[name]:.1f}' for name in names)} |")
    return "\n".join(lines)


def _incidents(calm: Calm, services: int, count: int, first_seed: int) -> None:
    flagged: dict[str, int] = dict.fromkeys((ANDEN, *(rival.name for rival in RIVALS)), 0)
    one = 0
    for seed in range(first_seed, first_seed + count):
        rng = np.random.default_rng([seed, services, 16])
        fault = Fault(FaultKind.FLEET, 1.6, signals=_MOVED, start_s=60.0 * float(rng.integers(30, 61)))
        observation, _ = generate(FleetSpec.drawn(rng, services=services, faults=(fault,)), seed)
        evaluation = evaluate(observation)
        one += len(evaluation.events) == 1 and evaluation.events[0].zone == ""
        flagged[ANDEN] += evaluation.count(ServiceState.OUTLIER)
        for rival in RIVALS:
            flagged[rival.name] += int(rival.flags(observation, rival.tolerance).sum())
    calm.incident[services] = {name: 100.0 * flags / (services * count) for name, flags in flagged.items()}
    calm.events[services] = (one, count)


def _healthy(calm: Calm, services: int, count: int, first_seed: int) -> None:
    flagged = 0
    for seed in range(first_seed, first_seed + count):
        observation, _ = generate(
            FleetSpec.drawn(np.random.default_rng([seed, services, 10]), services=services), seed
        )
        flagged += int(found_by(observation).sum())
    calm.healthy[services] = 100.0 * flagged / (count * services)


def _silent(first_seed: int) -> float:
    """Services that stop sending five to sixty minutes before the evaluation."""
    shown = stopped = 0
    for seed in range(first_seed, first_seed + 10):
        rng = np.random.default_rng([seed, 50, 1])
        faults = tuple(Fault(FaultKind.SILENT, start_s=60.0 * float(rng.integers(5, 61))) for _ in range(4))
        observation, truth = generate(FleetSpec.drawn(rng, services=50, faults=faults), seed)
        silent = truth.silent.any(axis=1)
        shown += int((evaluate(observation).state[silent] == ServiceState.NO_DATA).sum())
        stopped += int(silent.sum())
    return 100.0 * shown / stopped


def _openings(first_seed: int) -> float:
    """Flag openings per hour of a service that alternates ten minutes at ×3 with ten healthy ones, over two hours."""
    opened = 0
    for seed in range(first_seed, first_seed + _FLAPPING):
        rng = np.random.default_rng([seed, 50, 2])
        fault = Fault(FaultKind.FLAP, 3.0, services=(7,), start_s=3_600.0, end_s=-7_200.0)
        fleet = SimulatedFleet(FleetSpec.drawn(rng, services=50, faults=(fault,)), seed)
        was = False
        for round_ in range(25):
            state = evaluate(fleet.observe(fleet.spec.at_s + round_ * _EVERY_S)).state[7]
            opened += int(state == ServiceState.OUTLIER and not was)
            was = bool(state == ServiceState.OUTLIER)
    return opened / (2 * _FLAPPING)
