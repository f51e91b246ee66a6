"""Seeded simulated fleets with known faults, for tests, benchmarks and the demo."""

from apps.fleet.simulation.faults import Fault, FaultKind
from apps.fleet.simulation.fleet import GroundTruth, SimulatedFleet, generate
from apps.fleet.simulation.spec import FleetSpec

__all__ = ["Fault", "FaultKind", "FleetSpec", "GroundTruth", "SimulatedFleet", "generate"]
