"""Rules stay cheap: how many samples Prometheus reads of one series at one evaluation."""

import re

import pytest

from apps.monitoring.alerts.alert import Alert, RecordingRule, RuleGroup
from apps.monitoring.alerts.catalogue import RULE_FILES
from apps.monitoring.alerts.slos import BASE, window_seconds

RANGE = re.compile(r"\[(\d+[smhd])(?::(\d+[smhd]))?\]")
SCRAPED_S = 15
"""The shortest interval that anybody would scrape at."""
MOST = 30_000
GROUPS = [group for groups in RULE_FILES.values() for group in groups]
INTERVALS = {
    rule.metric: window_seconds(group.interval)
    for group in GROUPS
    for rule in group.rules
    if isinstance(rule, RecordingRule)
}
EVERY_RULE = [
    pytest.param(group, rule, id=f"{group.name} {rule.name if isinstance(rule, Alert) else rule.metric.name} {number}")
    for group in GROUPS
    for number, rule in enumerate(group.rules)
]


def samples(rule: Alert | RecordingRule) -> int:
    """The most samples that one range of the rule reads of one series."""
    every = min((INTERVALS.get(metric, SCRAPED_S) for metric in rule.expr.metrics), default=SCRAPED_S)
    found = RANGE.findall(rule.expr.text)
    return max(
        (window_seconds(window) // (window_seconds(step) if step else every) for window, step in found), default=1
    )


@pytest.mark.parametrize(("group", "rule"), EVERY_RULE)
def test_a_rule_reads_no_more_than_a_query_of_a_person_would(group: RuleGroup, rule: Alert | RecordingRule) -> None:
    assert samples(rule) <= MOST
    # In a second of its life a rule may read so many samples of a series: a month is read every two minutes.
    assert samples(rule) / window_seconds(group.interval) <= 200


def test_objectives_read_raw_series_over_the_shortest_window_alone() -> None:
    for group in RULE_FILES["recordings"]:
        for rule in group.rules:
            if not set(rule.expr.metrics) <= set(INTERVALS):
                assert {window for window, _ in RANGE.findall(rule.expr.text)} <= {BASE}


def test_there_are_no_more_rules_than_a_few_for_each_objective_and_window() -> None:
    assert sum(len(group.rules) for group in RULE_FILES["recordings"]) <= 60
