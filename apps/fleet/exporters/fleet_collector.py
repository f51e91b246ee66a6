"""The fleet's series on /metrics, from one file that each evaluation replaces.

Seventy thousand gauges in a shared mmap take two seconds to merge and cannot be removed. One file of arrays loads in
milliseconds, and a service that vanished is simply absent from the next file.
"""

import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from apps.fleet.engine.evaluation import SHIFTED_WITH_ZONE, Evaluation, ServiceState
from apps.fleet.metrics import FLEET_LAST_EVALUATION, FLEET_SCORE, FLEET_SERVICES, FLEET_SHIFT, FLEET_STATE
from apps.telemetry.metric import Metric

FILE: Final = "fleet.npz"


@dataclass(frozen=True, slots=True, eq=False)
class _ExportedEvaluation:
    """The exported part of the newest evaluation."""

    at_s: float
    services: list[str]
    signals: list[str]
    score: Any
    state: Any
    shift: Any


class FleetCollector(Collector):
    """Exports the newest evaluation of any process on this machine; scores and states only until they are stale."""

    def __init__(self, folder: Path | None, *, stale_after_s: float) -> None:
        self._path = folder / FILE if folder else None
        self._stale_after_s = stale_after_s
        self._shown: _ExportedEvaluation | None = None
        self._stamp: tuple[int, int] | None = None

    def show(self, evaluation: Evaluation) -> None:
        """Export this evaluation from now on."""
        if self._path is None:
            self._shown = _shown(evaluation)
            return
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            np.savez(
                file,
                at_s=np.float64(evaluation.at_s),
                services=np.array(evaluation.services, dtype=str),
                signals=np.array([signal.name for signal in evaluation.signals], dtype=str),
                score=evaluation.score,
                state=evaluation.exported_states(),
                shift=evaluation.shift,
            )
        fresh.replace(self._path)

    def describe(self) -> Iterable[Family]:
        """Empty: metric names are unknown before the first evaluation."""
        return []

    def collect(self) -> Iterable[Family]:
        """The metric families of the newest evaluation; empty before the first."""
        shown = self._newest()
        if shown is None:
            return
        yield _family(FLEET_LAST_EVALUATION, [((), shown.at_s)])
        if time.time() - shown.at_s > self._stale_after_s:
            return
        score = shown.score.tolist()
        yield _family(
            FLEET_SCORE,
            (
                ((service, signal), value)
                for service, values in zip(shown.services, score, strict=True)
                for signal, value in zip(shown.signals, values, strict=True)
                if value == value  # noqa: PLR0124 - NaN is no data, and no series
            ),
        )
        yield _family(
            FLEET_STATE, (((name,), s) for name, s in zip(shown.services, shown.state.tolist(), strict=True))
        )
        states = np.where(shown.state == SHIFTED_WITH_ZONE, ServiceState.OUTLIER, shown.state)
        counts = np.bincount(states, minlength=len(ServiceState)).tolist()
        yield _family(FLEET_SERVICES, (((label(state),), counts[state]) for state in ServiceState))
        shifts = zip(shown.signals, shown.shift.tolist(), strict=True)
        yield _family(FLEET_SHIFT, (((signal,), shift) for signal, shift in shifts if np.isfinite(shift)))

    def _newest(self) -> _ExportedEvaluation | None:
        """The newest evaluation; the file is read again only after it was replaced."""
        if self._path is None:
            return self._shown
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._shown, self._stamp = _read(self._path), stamp
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return self._shown  # keep the old one until it is stale
        return self._shown


def label(state: ServiceState) -> str:
    """The state as a label value: no_data."""
    return state.name.lower()


def _shown(evaluation: Evaluation) -> _ExportedEvaluation:
    signals = [signal.name for signal in evaluation.signals]
    services = list(evaluation.services)
    return _ExportedEvaluation(
        evaluation.at_s, services, signals, evaluation.score, evaluation.exported_states(), evaluation.shift
    )


def _read(path: Path) -> _ExportedEvaluation:
    with np.load(path, allow_pickle=False) as arrays:
        return _ExportedEvaluation(
            at_s=float(arrays["at_s"]),
            services=arrays["services"].tolist(),
            signals=arrays["signals"].tolist(),
            score=arrays["score"],
            state=arrays["state"],
            shift=arrays["shift"],
        )


def _family(metric: Metric, samples: Iterable[tuple[tuple[str, ...], float]]) -> Family:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
