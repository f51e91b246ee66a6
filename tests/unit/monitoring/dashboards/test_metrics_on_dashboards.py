"""What is measured is seen, and what is seen is measured: both ways, for every metric."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import CATALOGUE
from apps.monitoring.alerts.alert import RecordingRule
from apps.monitoring.alerts.catalogue import RULE_FILES
from apps.monitoring.third_party_metrics import EXPORTER_OF, EXPORTERS
from apps.telemetry.metric import Metric
from tests.unit.monitoring.dashboards.rendered_json import aws_targets, queries
from tests.unit.telemetry.test_metric import declared

UNSEEN: Final[dict[str, str]] = {}
"""Metrics that no panel shows, each with the reason."""


def seen() -> set[Metric]:
    return {metric for _, _, target in queries() for metric in target.query.metrics}


def recorded() -> set[Metric]:
    groups = [group for groups in RULE_FILES.values() for group in groups]
    return {rule.metric for group in groups for rule in group.rules if isinstance(rule, RecordingRule)}


def test_every_declared_metric_is_seen_on_a_page_or_says_why_not() -> None:
    names = {metric.name for metric in seen()}
    unseen = {metric.name for metric in declared()} - names
    assert unseen == set(UNSEEN)
    assert all(len(reason) > 20 for reason in UNSEEN.values())


def test_every_metric_on_a_page_is_declared_recorded_or_somebody_elses() -> None:
    known = {*declared(), *recorded(), *EXPORTER_OF}
    assert {metric.name for metric in seen() - known} == set()


def test_every_foreign_metric_is_used_and_has_one_exporter() -> None:
    assert set(EXPORTER_OF) <= seen()
    assert sum(len(metrics) for metrics in EXPORTERS.values()) == len(EXPORTER_OF)
    assert not {metric.name for metric in EXPORTER_OF} & {metric.name for metric in declared()}


def test_every_metric_of_the_catalogue_is_seen_with_each_of_its_statistics() -> None:
    drawn = {(target.metric.key, target.statistic) for target in aws_targets()}
    assert drawn == {(metric.key, statistic) for metric in CATALOGUE for statistic in metric.statistics}
