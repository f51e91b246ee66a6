"""A metric, declared once in an app's metrics.py and used by code and panels alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["mostrecent", "sum", "max", "min"]

UNITS: Final = (
    "seconds",
    "bytes",
    "ratio",
    "records",
    "rows",
    "batches",
    "requests",
    "sources",
    "datasets",
    "workers",
    "info",
    "bool",
    "services",
    "incidents",
    "jobs",
    "factor",
    "score",
    "state",
    "usd",
    "value",
)
"""Base units and countable nouns that the name of a gauge or histogram may end with."""

_NAME: Final = re.compile(r"anden_[a-z]+(_[a-z]+)+")
_LABEL: Final = re.compile(r"[a-z]+(_[a-z]+)*")
_RESERVED_LABELS: Final = frozenset({"le", "quantile", "pid", "job", "instance"})
_RESERVED_ENDINGS: Final = ("_count", "_sum", "_bucket", "_created")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family; `merge` defines how the values of a gauge from several live processes are combined."""

    name: str
    help: str
    kind: Kind
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merge: Merge = "mostrecent"


def naming_faults(metric: Metric) -> Iterator[str]:
    """Violations of Prometheus's naming conventions, one sentence each.

    Source: https://prometheus.io/docs/practices/naming/
    """
    if not _NAME.fullmatch(metric.name):
        yield "the name is not anden_… in lower snake case"
    if metric.name.endswith(_RESERVED_ENDINGS):
        yield "the name has a suffix that Prometheus reserves"
    if (metric.kind == "counter") != metric.name.endswith("_total"):
        yield "counters, and only counters, end with _total"
    if metric.kind != "counter" and not metric.name.endswith(UNITS):
        yield f"the name does not end with a unit ({', '.join(UNITS)})"
    if not metric.help.endswith("."):
        yield "the help is not a sentence"
    yield from _shape_faults(metric)


def _shape_faults(metric: Metric) -> Iterator[str]:
    for label in metric.labels:
        if not _LABEL.fullmatch(label) or label in _RESERVED_LABELS:
            yield f"the label {label} is reserved or not in lower snake case"
    if (metric.kind == "histogram") != bool(metric.buckets):
        yield "histograms, and only histograms, have buckets"
    if list(metric.buckets) != sorted(set(metric.buckets)):
        yield "the buckets are not in increasing order"
