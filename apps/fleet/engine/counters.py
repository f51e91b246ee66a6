"""Counters that simulated services would export under OpenTelemetry's names."""

import threading
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats
from apps.fleet.engine.observation_builder import INDEX
from apps.fleet.engine.opentelemetry import CPU, DATABASE_SECONDS, REQUEST_SECONDS, SERVICE
from apps.telemetry.metric import Metric

_READS_A_REQUEST: Final = 3.0
_WRITES_A_REQUEST: Final = 0.5


class _Histogram:
    """Cumulative buckets, counts and sums: services × variants (a status, an operation)."""

    def __init__(self, metric: Metric, label: str, variants: Sequence[str], services: int) -> None:
        self.metric = metric
        self._label = label
        self._variants = variants
        self._bounds = np.array(metric.buckets)
        self._buckets = np.zeros((services, len(variants), len(metric.buckets)))
        self._counts = np.zeros((services, len(variants)))
        self._sums = np.zeros((services, len(variants)))

    def observe(self, variant: int, counts: NDArray[np.float64], means: NDArray[np.float64]) -> None:
        """Add `counts` observations per service, exponentially distributed around `means`."""
        below = 1 - np.exp(-self._bounds / np.maximum(means, 1e-9)[:, None])
        self._buckets[:, variant] += counts[:, None] * below
        self._counts[:, variant] += counts
        self._sums[:, variant] += counts * means

    def lines(self, services: Sequence[str], shown: NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
        """Each series' name with labels, and its value."""
        name = self.metric.name
        for row in np.flatnonzero(shown).tolist():
            for column, variant in enumerate(self._variants):
                labels = f'{SERVICE}="{services[row]}",{self._label}="{variant}"'
                for bound, count in zip(self.metric.buckets, self._buckets[row, column].tolist(), strict=True):
                    yield f'{name}_bucket{{{labels},le="{bound}"}}', count
                yield f'{name}_bucket{{{labels},le="+Inf"}}', float(self._counts[row, column])
                yield f"{name}_count{{{labels}}}", float(self._counts[row, column])
                yield f"{name}_sum{{{labels}}}", float(self._sums[row, column])


class SimulatedCounters:
    """The counters of all services of a simulated fleet."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = services
        self._requests = _Histogram(REQUEST_SECONDS, "http_response_status_code", ("200", "500"), len(services))
        self._database = _Histogram(DATABASE_SECONDS, "db_operation_name", ("SELECT", "INSERT"), len(services))
        self._saturation = np.full(len(services), np.nan)
        self._shown: NDArray[np.bool_] = np.zeros(len(services), dtype=bool)
        self._lock = threading.Lock()

    def add(self, values: Floats, seconds: float) -> None:
        """Advance by `seconds` with these signals (services × signals); services without any value are hidden."""
        with self._lock:
            self._add(values, seconds)

    def _add(self, values: Floats, seconds: float) -> None:
        signal = {name: values[:, column].astype(np.float64) for name, column in INDEX.items()}
        asked = np.nan_to_num(signal["request_rate"]) * seconds
        failed = asked * np.nan_to_num(signal["error_ratio"])
        # 95 % of an exponential distribution are below three means.
        mean = np.nan_to_num(signal["latency_p95"], nan=0.1) / np.log(20)
        self._requests.observe(0, asked - failed, mean)
        self._requests.observe(1, failed, mean)
        for column, (name, share) in enumerate(
            (("database_read", _READS_A_REQUEST), ("database_write", _WRITES_A_REQUEST))
        ):
            there = np.isfinite(signal[name])
            self._database.observe(column, asked * share * there, np.nan_to_num(signal[name]))
        self._saturation = signal["saturation"]
        self._shown = np.asarray(np.isfinite(values).any(axis=1))

    def lines(self) -> Iterator[tuple[str, float]]:
        """Each series' name with labels, and its value, grouped by metric."""
        yield from self._requests.lines(self._services, self._shown)
        yield from self._database.lines(self._services, self._shown)
        for row in np.flatnonzero(self._shown & np.isfinite(self._saturation)).tolist():
            yield f'{CPU.name}{{{SERVICE}="{self._services[row]}"}}', float(self._saturation[row])

    def page(self) -> str:
        """All series in the Prometheus text format."""
        with self._lock:
            return "".join(self._page())

    def _page(self) -> Iterator[str]:
        described = set()
        for series, value in self.lines():
            for metric in (REQUEST_SECONDS, DATABASE_SECONDS, CPU):
                if metric not in described and series.startswith(metric.name):
                    described.add(metric)
                    yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
            yield f"{series} {value!r}\n"
