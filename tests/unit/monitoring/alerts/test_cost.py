"""Rules stay cheap: samples that one evaluation reads per series."""

import re

import pytest

from apps.monitoring.alerts.alert import Alert, RecordingRule, RuleGroup
from apps.monitoring.alerts.catalogue import RULE_FILES
from apps.monitoring.alerts.slos import BASE, window_seconds

RANGE = re.compile(r"\[(\d+[smhd])(?::(\d+[smhd]))?\]")
SCRAPED_S = 15
"""The shortest realistic scrape interval."""
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
    """The maximum number of samples that a range of the rule reads per series."""
    every = min((INTERVALS.get(metric, SCRAPED_S) for metric in rule.expr.metrics), default=SCRAPED_S)
    found = RANGE.findall(rule.expr.text)
    return max(
        (window_seconds(window) // (window_seconds(step) if step else every) for window, step in found), default=1
    )


@pytest.mark.parametrize(("group", "rule"), EVERY_RULE)
def test_rule_reads_a_bounded_number_of_samples(group: RuleGroup, rule: Alert | RecordingRule) -> None:
    assert samples(rule) <= MOST
    # Samples per series and second of its interval: a month is read every two minutes.
    assert samples(rule) / window_seconds(group.interval) <= 200


def test_objectives_read_raw_series_over_the_shortest_window_only() -> None:
    for group in RULE_FILES["recordings"]:
        for rule in group.rules:
            if not set(rule.expr.metrics) <= set(INTERVALS):
                assert {window for window, _ in RANGE.findall(rule.expr.text)} <= {BASE}


def test_number_of_recording_rules_is_bounded() -> None:
    assert sum(len(group.rules) for group in RULE_FILES["recordings"]) <= 60
