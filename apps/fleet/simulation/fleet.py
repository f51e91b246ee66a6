"""A simulated fleet: the value of each service at any minute, always the same for the same seed."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.simulation.faults import Fault, FaultKind
from apps.fleet.simulation.names import service_names
from apps.fleet.simulation.spec import DAY_S, FleetSpec

Array = NDArray[np.float64]

BASELINES: Final = {
    "request_rate": 40.0,
    "error_ratio": 0.004,
    "latency_p95": 0.120,
    "database_read": 0.004,
    "database_write": 0.013,
    "saturation": 0.15,
}
INDEX: Final = {signal.name: number for number, signal in enumerate(SIGNALS)}
_ERRORS: Final = INDEX["error_ratio"]
_RATE: Final = INDEX["request_rate"]
_ECHO: Final = 8
"""Minutes after which a minute's noise has decayed."""
_WILDEST: Final = 4.0
"""Noise is clipped to e^4 times the baseline."""
_KNOT_S: Final = 6 * 3_600.0
"""The interval between two random levels."""
_PARAMETERS, _NOISE, _WANDER, _GAPS, _COUNTS, _FAULTS = range(6)


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The actual faults, S × K: affected alone, or together with zone or fleet; and services without data."""

    faulty: NDArray[np.bool_]
    together: NDArray[np.bool_]
    silent: NDArray[np.bool_]
    shift: float = 1.0
    zones: tuple[str, ...] = ()

    @property
    def faulty_services(self) -> NDArray[np.bool_]:
        """Whether each service has a fault of its own."""
        return np.asarray(self.faulty.any(axis=1))

    @property
    def affected_services(self) -> NDArray[np.bool_]:
        """Whether each service is affected on its own or with its zone."""
        return np.asarray((self.faulty | self.together).any(axis=1))


@dataclass(slots=True)
class SimulatedFleet:
    """A fleet drawn from a spec. The same spec and seed give the same values at every minute."""

    spec: FleetSpec
    seed: int
    services: tuple[str, ...] = field(init=False)
    zones: tuple[str, ...] = field(init=False)
    _level: Array = field(init=False)
    _drawn: dict[str, Array] = field(init=False)
    _affected: tuple[tuple[Fault, NDArray[np.int64]], ...] = field(init=False)

    def __post_init__(self) -> None:
        spec, shape = self.spec, (self.spec.services, len(SIGNALS))
        rng = self._rng(_PARAMETERS)
        self.services = service_names(spec.services)
        self.zones = tuple(spec.zones[number % len(spec.zones)] if spec.zones else "" for number in range(shape[0]))
        self._level = np.log([BASELINES[signal.name] for signal in SIGNALS]) + spec.scale * rng.standard_normal(shape)
        self._drawn = {
            name: rng.uniform(*bounds, shape)
            for name, bounds in (
                ("noise", spec.noise),
                ("tails", spec.tails),
                ("memory", spec.memory),
                ("wander", spec.wander),
                ("season", spec.season),
                ("hour", (0.0, 1.0)),
                ("second", (0.0, 0.5)),
                ("second_hour", (0.0, 1.0)),
            )
        }
        self._drawn["weekend"] = spec.weekend + spec.own_weekend * rng.standard_normal(shape)
        drawing = self._rng(_FAULTS)
        free = drawing.permutation(shape[0])
        struck = []
        for fault in spec.faults:
            numbers = np.array(fault.services, dtype=np.int64)
            if not len(numbers):
                numbers, free = free[: fault.count], free[fault.count :]
            struck.append((fault, numbers))
        self._affected = tuple(struck)

    def observe(self, at_s: float | None = None) -> Observation:
        """The observation of a source at that time, epoch seconds."""
        spec, end_s = self.spec, self.spec.at_s if at_s is None else at_s
        times_s = end_s - spec.step_s * np.arange(spec.points - 1, -1, -1, dtype=np.float64)
        past = [self.values(times_s - day * DAY_S) for day in range(1, spec.days + 1)]
        shape = (spec.services, len(SIGNALS), spec.days, spec.points)
        return Observation(
            services=self.services,
            zones=self.zones,
            signals=SIGNALS,
            times_s=times_s,
            now=self.values(times_s),
            past=np.stack(past, axis=2) if past else np.empty(shape, np.float32),
            deployed_s=self._deployed(),
        )

    def values(self, times_s: Array) -> Floats:
        """The signals at these evenly spaced times, S × K × T."""
        logs = self._baseline(times_s) + self._noise(times_s)
        logs += self._shifts(times_s)
        np.exp(logs, out=logs)
        self._count_errors(logs, times_s)
        saturation = INDEX["saturation"]
        logs[:, saturation] = np.minimum(logs[:, saturation], 1.0)
        logs[self._gaps(times_s)] = np.nan
        return logs.astype(np.float32)

    def truth(self) -> GroundTruth:
        """The faults at the end of the window."""
        shape = (self.spec.services, len(SIGNALS))
        faulty, together, silent = (np.zeros(shape, bool) for _ in range(3))
        shift, zones = 1.0, []
        for fault, numbers in self._affected:
            columns = _columns(fault)
            if fault.kind is FaultKind.SILENT:
                silent[numbers] = True
            elif fault.kind is FaultKind.FLEET:
                shift *= fault.factor
            elif fault.kind in {FaultKind.ZONE, FaultKind.NEIGHBOUR}:
                zones += [self.zones[number] for number in numbers[:1]]
                together[self._neighbours(numbers)[:, None], columns] = True
                if fault.kind is FaultKind.NEIGHBOUR:
                    faulty[numbers, _RATE] = True
            else:
                faulty[numbers[:, None], columns] = True
        return GroundTruth(faulty, together, silent, shift, tuple(zones))

    def _rng(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *purpose])

    def _minutes(self, times_s: Array) -> list[int]:
        """The numbers of the steps since 1970: the random values of a step depend on nothing else."""
        first = round(float(times_s[0]) / self.spec.step_s)
        return list(range(first, first + len(times_s)))

    def _neighbours(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        zones = {self.zones[number] for number in numbers}
        return np.array([number for number, zone in enumerate(self.zones) if zone in zones], dtype=np.int64)

    def _baseline(self, times_s: Array) -> Array:
        drawn, spec = self._drawn, self.spec
        day = 2 * np.pi * times_s / DAY_S
        logs = self._level[:, :, None] + spec.common * np.cos(day - 2 * np.pi * 14 / 24)
        logs = logs + drawn["season"][:, :, None] * np.cos(day - 2 * np.pi * drawn["hour"][:, :, None])
        half = drawn["season"] * drawn["second"]
        logs += half[:, :, None] * np.cos(2 * day - 2 * np.pi * drawn["second_hour"][:, :, None])
        weekday = (np.floor(times_s / DAY_S).astype(np.int64) + 3) % 7
        logs += drawn["weekend"][:, :, None] * (weekday >= 5)
        return logs + self._wander(times_s)

    def _wander(self, times_s: Array) -> Array:
        place = times_s / _KNOT_S
        first = int(np.floor(place[0]))
        knots = np.stack(
            [
                self._rng(_WANDER, knot).standard_normal(self._level.shape)
                for knot in range(first, int(np.floor(place[-1])) + 2)
            ]
        )
        number = np.floor(place).astype(np.int64) - first
        share = place - np.floor(place)
        # Divided by the weights' norm, so that the variance between two knots equals that at them.
        strayed = (knots[number].T * (1 - share) + knots[number + 1].T * share) / np.hypot(1 - share, share)
        return np.asarray(self._drawn["wander"][:, :, None] * strayed.transpose(1, 0, 2))

    def _noise(self, times_s: Array) -> Array:
        drawn, minutes = self._drawn, self._minutes(times_s)
        first = minutes[0] - _ECHO
        fresh = np.stack(
            [
                self._rng(_NOISE, minute).standard_t(drawn["tails"]).astype(np.float32)
                for minute in range(first, minutes[-1] + 1)
            ],
            axis=2,
        )
        memory = drawn["memory"][:, :, None]
        weights = memory ** np.arange(_ECHO, -1, -1)
        weights /= np.sqrt((weights**2).sum(axis=2, keepdims=True))
        noise = np.zeros((*self._level.shape, len(minutes)))
        for lag in range(_ECHO + 1):
            noise += weights[:, :, lag, None] * fresh[:, :, lag : lag + len(minutes)]
        deviation = np.sqrt(drawn["tails"] / np.maximum(drawn["tails"] - 2.0, 0.5))
        noise *= (drawn["noise"] / deviation)[:, :, None]
        np.clip(noise, -_WILDEST, _WILDEST, out=noise)
        for fault, numbers, amount in self._active(times_s):
            if fault.kind is FaultKind.SPREAD:
                columns = _columns(fault)
                noise[numbers[:, None], columns] *= 1 + amount * (fault.factor - 1)
        return noise

    def _shifts(self, times_s: Array) -> Array:
        logs = np.zeros((*self._level.shape, len(times_s)))
        for fault, numbers, amount in self._active(times_s):
            columns = _columns(fault)
            shift = amount * np.log(fault.factor)
            if fault.kind is FaultKind.FLEET:
                logs[:, columns] += shift
            elif fault.kind in {FaultKind.ZONE, FaultKind.NEIGHBOUR}:
                logs[self._neighbours(numbers)[:, None], columns] += shift
                if fault.kind is FaultKind.NEIGHBOUR:
                    logs[numbers, _RATE] += shift + np.log(2.0) * amount
            elif fault.kind not in {FaultKind.SPREAD, FaultKind.SILENT}:
                logs[numbers[:, None], columns] += shift
        return logs

    def _active(self, times_s: Array) -> list[tuple[Fault, NDArray[np.int64], Array]]:
        before_s = self.spec.at_s - times_s
        amounts = [(fault, numbers, fault.shape(before_s)) for fault, numbers in self._affected]
        return [found for found in amounts if found[2].any()]

    def _count_errors(self, values: Array, times_s: Array) -> None:
        """Errors are counts: few per minute, and zero in most minutes of a small service."""
        requests = np.maximum(values[:, _RATE] * self.spec.step_s, 1.0)
        expected = np.minimum(values[:, _ERRORS], 1.0) * requests
        counted = [
            self._rng(_COUNTS, minute).poisson(expected[:, place])
            for place, minute in enumerate(self._minutes(times_s))
        ]
        values[:, _ERRORS] = np.minimum(np.stack(counted, axis=1) / requests, 1.0)

    def _gaps(self, times_s: Array) -> NDArray[np.bool_]:
        shape = self._level.shape
        drawn = [self._rng(_GAPS, minute).random(shape, dtype=np.float32) for minute in self._minutes(times_s)]
        lost = np.stack(drawn, axis=2) < self.spec.gaps
        for fault, numbers, amount in self._active(times_s):
            if fault.kind is FaultKind.SILENT:
                lost[numbers] |= amount > 0
        return lost

    def _deployed(self) -> Array:
        deployed = np.full(self.spec.services, np.nan)
        for fault, numbers in self._affected:
            if fault.kind is FaultKind.STEP:
                deployed[numbers] = self.spec.at_s - fault.start_s
        return deployed


def _columns(fault: Fault) -> NDArray[np.int64]:
    return np.array([INDEX[name] for name in fault.signals], dtype=np.int64)


def generate(spec: FleetSpec, seed: int) -> tuple[Observation, GroundTruth]:
    """A fleet at the end of its window, and its actual faults."""
    fleet = SimulatedFleet(spec, seed)
    return fleet.observe(), fleet.truth()
