"""Every declared metric is on a dashboard, and every metric on a dashboard is declared."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.monitoring.alerts.alert import RecordingRule
from apps.monitoring.alerts.catalogue import RULE_FILES
from apps.monitoring.third_party_metrics import EXPORTER_OF, EXPORTERS
from apps.telemetry.metric import Metric
from tests.unit.monitoring.dashboards.rendered_json import aws_queries, queries
from tests.unit.telemetry.test_metric import declared

NOT_SHOWN: Final[dict[str, str]] = {}
"""Metrics that no panel shows, each with the reason."""


def shown() -> set[Metric]:
    return {metric for _, _, target in queries() for metric in target.query.metrics}


def recorded() -> set[Metric]:
    groups = [group for groups in RULE_FILES.values() for group in groups]
    return {rule.metric for group in groups for rule in group.rules if isinstance(rule, RecordingRule)}


def test_every_declared_metric_is_on_a_dashboard_or_has_a_reason() -> None:
    names = {metric.name for metric in shown()}
    not_shown = {metric.name for metric in declared()} - names
    assert not_shown == set(NOT_SHOWN)
    assert all(len(reason) > 20 for reason in NOT_SHOWN.values())


def test_every_metric_on_a_dashboard_is_declared_recorded_or_third_party() -> None:
    known = {*declared(), *recorded(), *EXPORTER_OF}
    assert {metric.name for metric in shown() - known} == set()


def test_every_third_party_metric_is_used_and_has_one_exporter() -> None:
    assert set(EXPORTER_OF) <= shown()
    assert sum(len(metrics) for metrics in EXPORTERS.values()) == len(EXPORTER_OF)
    assert not {metric.name for metric in EXPORTER_OF} & {metric.name for metric in declared()}


def test_every_catalogue_metric_is_shown_with_each_of_its_statistics() -> None:
    on_dashboards = {(target.metric.key, target.statistic) for target in aws_queries()}
    assert on_dashboards == {(metric.key, statistic) for metric in CATALOGUE for statistic in metric.statistics}
