"""Third-party metric names and labels match their exporter, where it is installed."""

import django_prometheus.middleware
import pytest
from prometheus_client import REGISTRY

from apps.monitoring.third_party_metrics import EXPORTER_OF
from apps.telemetry.metric import Metric

OF_DJANGO = [metric for metric, exporter in EXPORTER_OF.items() if exporter.startswith("django-prometheus")]


@pytest.mark.parametrize("metric", OF_DJANGO, ids=lambda metric: metric.name)
def test_django_prometheus_exports_the_metric_with_its_labels(metric: Metric) -> None:
    exporter = django_prometheus.middleware.Metrics.get_instance()
    names = REGISTRY._collector_to_names
    (found,) = [each for each in vars(exporter).values() if metric.name in names.get(each, ())]
    assert set(found._labelnames) == set(metric.labels)
    assert found._type == metric.kind
    if metric.kind == "histogram":
        assert found._upper_bounds[:-1] == list(metric.buckets)
