"""Every metric that an app declares follows Prometheus's conventions and is declared once."""

from collections import Counter
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.apps import apps

from apps.telemetry.metric import Metric, naming_faults


def declared() -> list[Metric]:
    """The metrics of every app's metrics.py."""
    names = [config.name for config in apps.get_app_configs() if config.name.startswith("apps.")]
    modules = [import_module(f"{name}.metrics") for name in names if find_spec(f"{name}.metrics")]
    own = [(module, value) for module in modules for value in vars(module).values()]
    return [value for _, value in own if isinstance(value, Metric)]


def test_every_declared_metric_follows_the_naming_conventions() -> None:
    faults = {metric.name: list(naming_faults(metric)) for metric in declared()}
    assert faults
    assert {name: found for name, found in faults.items() if found} == {}


def test_every_metric_is_declared_once() -> None:
    counts = Counter(metric.name for metric in declared())
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    ("metric", "fault"),
    [
        (Metric("ingest_rows_total", "Rows.", "counter"), "anden_"),
        (Metric("anden_ingest_rows", "Rows.", "counter"), "_total"),
        (Metric("anden_ingest_lag_total", "Lag.", "gauge"), "_total"),
        (Metric("anden_ingest_lag_ms", "Lag.", "gauge"), "unit"),
        (Metric("anden_ingest_rows_count", "Rows.", "gauge"), "reserves"),
        (Metric("anden_ingest_lag_seconds", "Lag", "gauge"), "sentence"),
        (Metric("anden_ingest_lag_seconds", "Lag.", "gauge", labels=("pid",)), "label pid"),
        (Metric("anden_ingest_lag_seconds", "Lag.", "gauge", labels=("dataSet",)), "label dataSet"),
        (Metric("anden_ingest_phase_seconds", "Seconds.", "histogram"), "have buckets"),
        (Metric("anden_ingest_lag_seconds", "Lag.", "gauge", buckets=(1,)), "have buckets"),
        (Metric("anden_ingest_phase_seconds", "S.", "histogram", buckets=(1, 1)), "increasing"),
        (Metric("anden_ingest_phase_seconds", "S.", "histogram", buckets=(2, 1)), "increasing"),
    ],
)
def test_an_invalid_metric_reports_the_broken_rule(metric: Metric, fault: str) -> None:
    assert any(fault in found for found in naming_faults(metric))
