"""Prometheus objects for our metrics, and the exposition that merges all processes."""

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
from typing import Final, TypeVar

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client import metrics as prometheus_metrics
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from apps.telemetry.environment import SettingsInvalid
from apps.telemetry.metric import Metric
from apps.telemetry.process_slots import ProcessSlots

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable: its presence turns on multi-process mode, also for django-prometheus."""

_slots: ProcessSlots | None = None
_others: list[Collector] = []
_making = threading.Lock()
Made = TypeVar("Made", Counter, Gauge, Histogram)


def enable_multiprocess_metrics(folder: Path | None) -> None:
    """Write every metric of this process to the shared folder; None keeps them in memory.

    Call once, from the settings, before any metric is declared: that is when the value class is chosen.

    Raises SettingsInvalid: the folder is not writable.
    """
    global _slots  # noqa: PLW0603 - one process has one registry, which is prometheus_client's global, too
    prometheus_metrics.disable_created_metrics()  # type: ignore[no-untyped-call]
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    if not chosen:
        return
    path = Path(chosen).resolve()
    os.environ[FOLDER_VARIABLE] = str(path)
    slots = ProcessSlots(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        values.ValueClass = values.MultiProcessValue(slots.own)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SettingsInvalid(f"ANDEN_MONITORING_METRICS_FOLDER: not writable ({error.strerror})") from error
    _slots = slots


def _once(make: Callable[[Metric], Made]) -> Callable[[Metric], Made]:
    """The function, called once per metric: two threads that ask simultaneously get the same object."""
    known = cache(make)

    @wraps(make)
    def found(metric: Metric) -> Made:
        with _making:
            return known(metric)

    return found


@_once
def counter(metric: Metric) -> Counter:
    """The counter of this metric, cached."""
    return Counter(metric.name, metric.help, metric.labels)


@_once
def gauge(metric: Metric) -> Gauge:
    """The gauge of this metric, cached; its series vanish with the process that set them."""
    mode = f"live{metric.merge}"
    return Gauge(metric.name, metric.help, metric.labels, multiprocess_mode=mode)  # type: ignore[arg-type]


@_once
def histogram(metric: Metric) -> Histogram:
    """The histogram of this metric, cached."""
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets)


def collector(metric: Metric) -> Counter | Gauge | Histogram:
    """The Prometheus object of this metric, of any kind."""
    match metric.kind:
        case "counter":
            return counter(metric)
        case "gauge":
            return gauge(metric)
        case "histogram":
            return histogram(metric)


class _LiveProcessCollector(Collector):
    """Merges the folder's files, without the gauges of dead processes."""

    def __init__(self, slots: ProcessSlots) -> None:
        self._slots = slots

    def collect(self) -> Iterable[Family]:
        self._slots.sweep()
        paths = [str(path) for path in self._begun()]
        families: list[Family] = list(MultiProcessCollector.merge(paths))  # type: ignore[no-untyped-call]
        for family in families:
            if family.type == "gauge":
                family.samples = [sample for sample in family.samples if not math.isnan(sample.value)]
        return families

    def _begun(self) -> Iterator[Path]:
        """The non-empty files: a file is empty between its creation and its first block."""
        for path in self._slots.folder.glob("*.db"):
            with suppress(FileNotFoundError):
                if path.stat().st_size:
                    yield path


def remove_series(metric: Metric, *values: str) -> None:
    """Remove a gauge's series with these label values from the exposition, until it is set again.

    A shared file cannot drop a series: it is set to NaN there, which is not exposed.
    """
    if _slots is None:
        gauge(metric).remove(*values)
    else:
        gauge(metric).labels(*values).set(math.nan)


def replace_series(metric: Metric, values: Mapping[tuple[str, ...], float]) -> None:
    """Set a gauge's series by label values, and remove all others."""
    for labels, value in values.items():
        gauge(metric).labels(*labels).set(value)
    for labels in gauge_values(metric).keys() - values.keys():
        remove_series(metric, *labels)


def register_collector(others: Collector) -> None:
    """Also expose this collector: series that would be too many for gauges."""
    _others.append(others)
    if _slots is None:
        prometheus_client.REGISTRY.register(others)


def multiprocess_folder() -> Path | None:
    """The folder in which processes share their metrics; None if this process exposes only its own."""
    return _slots.folder if _slots else None


def registry() -> CollectorRegistry:
    """What a scrape collects: the shared folder, or this process if there is no shared folder."""
    if _slots is None:
        return prometheus_client.REGISTRY
    shared = CollectorRegistry()
    shared.register(_LiveProcessCollector(_slots))
    for others in _others:
        shared.register(others)
    return shared


def exposition() -> tuple[bytes, str]:
    """The metrics of all processes in Prometheus's text format, and the content type."""
    return prometheus_client.generate_latest(registry()), prometheus_client.CONTENT_TYPE_LATEST


def gauge_values(metric: Metric) -> dict[tuple[str, ...], float]:
    """The last values of a gauge from this machine's live processes, by label values in order."""
    families: Iterable[Family] = gauge(metric).collect() if _slots is None else _LiveProcessCollector(_slots).collect()
    return {
        tuple(sample.labels[label] for label in metric.labels): sample.value
        for family in families
        if family.name == metric.name
        for sample in family.samples
        if set(sample.labels) == set(metric.labels)
    }
