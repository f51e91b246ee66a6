"""docs/critical-points.md names existing alerts, alarms, metrics and settings, and lists every alert and alarm."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from apps.monitoring.alerts.alert import Alert, RecordingRule
from apps.monitoring.alerts.aws import AWS_ALERTS, AwsAlert
from apps.monitoring.alerts.catalogue import ALERTS, RULE_FILES
from tests.unit.telemetry.test_metric import declared

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/critical-points.md").read_text(encoding="utf-8")
HEADER: Final = ["Failure", "Detected by", "Mitigated by", "Planned"]
PARTS: Final = (
    "Broker",
    "Ingest workers",
    "PostgreSQL",
    "API",
    "Edge",
    "Lambda",
    "Secrets",
    "Argo CD",
    "Pipelines",
    "CloudWatch",
    "Grafana",
    "Prometheus and alerting",
    "Fleet evaluation",
)
RINGS: Final[tuple[Alert | AwsAlert, ...]] = (*ALERTS, *AWS_ALERTS)
RUNBOOK = re.compile(r"\[(\w+)\]\(runbooks/([a-z-]+)\.md\)")
CODE = re.compile(r"`([^`]+)`")
# Some alarms exist once per broker, with its number after the name.
ALARM = re.compile(r'^    "?([a-z]+(?:-[a-z]+)+)(?:-\$\{broker\}")? = \{$', re.MULTILINE)
VARIABLE = re.compile(r"^([a-z_]+)(?:\.([a-z_]+))?$")


def sections() -> dict[str, str]:
    """The text below each heading."""
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in PAGE.split("\n## ")[1:]}


def rows(part: str) -> Iterator[list[str]]:
    """The rows of the part's table, header first."""
    for line in sections()[part].splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def alarms() -> set[str]:
    """The keys of the CloudWatch alarms in the AWS root."""
    # The database's alarms are in the same file, with the same indent.
    return set(ALARM.findall((ROOT / "terraform/aws/alarms.tf").read_text(encoding="utf-8")))


def settings() -> set[str]:
    return set(re.findall(r"\bANDEN_[A-Z_]+\b", (ROOT / "docs/settings.md").read_text(encoding="utf-8")))


def test_every_part_has_a_table_of_complete_rows() -> None:
    assert tuple(sections())[: len(PARTS)] == PARTS
    for part in PARTS:
        header, *body = rows(part)
        assert header == HEADER, part
        assert body, part
        assert [row for row in body if len(row) != len(HEADER) or not all(row)] == []


def test_every_alert_is_named_as_its_runbook_is() -> None:
    by_runbook = {alert.runbook: alert.name for alert in RINGS}
    named = RUNBOOK.findall(PAGE)
    assert [(name, page) for name, page in named if by_runbook.get(page) != name] == []


def test_every_alert_is_listed() -> None:
    named = {name for name, _ in RUNBOOK.findall(PAGE)}
    paging = {alert.name for alert in RINGS if alert.severity == "page"}
    assert len(paging) > 10
    assert paging - named == set()
    assert {alert.name for alert in RINGS} - named == set()


def test_every_alarm_is_listed_and_every_listed_alarm_exists() -> None:
    spans = set(CODE.findall(PAGE))
    looked_like = {span for span in spans if re.fullmatch(r"[a-z]+(-[a-z]+)+", span)}
    assert len(alarms()) >= 7
    assert alarms() == looked_like


def test_every_metric_that_is_named_is_declared_or_recorded() -> None:
    rules = [rule for groups in RULE_FILES.values() for group in groups for rule in group.rules]
    recorded = {rule.metric.name for rule in rules if isinstance(rule, RecordingRule)}
    known = {metric.name for metric in declared()} | recorded
    named = {span for span in CODE.findall(PAGE) if span.startswith("anden_")}
    assert len(named) > 15
    assert named - known == set()


def test_every_setting_that_is_named_exists() -> None:
    named = {span for span in CODE.findall(PAGE) if span.startswith("ANDEN_")}
    assert named
    assert named - settings() == set()


def test_every_value_of_an_environment_that_is_named_is_a_variable() -> None:
    variables = (ROOT / "terraform/aws/variables.tf").read_text(encoding="utf-8")
    values = [match for span in CODE.findall(PAGE) if (match := VARIABLE.match(span)) and match[2]]
    assert len(values) >= 5
    for name, field in (match.groups() for match in values):
        body = variables.partition(f'variable "{name}" {{')[2].partition("\nvariable ")[0]
        assert re.search(rf"^\s+{field}\s+= ", body, re.MULTILINE), f"{name}.{field}"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_detected_by_something_that_exists(part: str) -> None:
    _, *body = rows(part)
    seen = [row[1] for row in body]
    known = alarms() | {metric.name for metric in declared()}
    found = [cell for cell in seen if RUNBOOK.search(cell) or set(CODE.findall(cell)) & known]
    # A failing pipeline is seen by whoever deploys, not by an alert.
    assert found or part == "Pipelines"


def test_the_limits_of_fifty_installations_are_listed() -> None:
    hidden = sections()["Fifty installations"].partition("What that view hides:")[2]
    assert len(re.findall(r"^- \*\*", hidden, re.MULTILINE)) >= 5
