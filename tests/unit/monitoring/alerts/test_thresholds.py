"""Each threshold and absence alert fires when it should, and only then."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.catalogue import RULE_FILES
from tests.unit.monitoring.alerts.promtool import run_cases
from tests.unit.monitoring.alerts.thresholds import CASES_BY_FILE


def test_each_alert_fires_as_its_cases_expect(tmp_path: Path) -> None:
    assert run_cases(tmp_path, CASES_BY_FILE) == ""


@pytest.mark.parametrize("name", CASES_BY_FILE)
def test_every_alert_has_a_firing_and_a_silent_case(name: str) -> None:
    declared = {rule.name for group in RULE_FILES[name] for rule in group.rules if isinstance(rule, Alert)}
    cases = CASES_BY_FILE[name]
    assert {case.alert for case in cases if case.fires} == declared
    assert {case.alert for case in cases if not case.fires} == declared


def test_promtool_reports_exactly_the_wrong_expectations(tmp_path: Path) -> None:
    cases = [case for case in CASES_BY_FILE["infrastructure"] if case.alert in {"ScrapeTargetDown", "AllTargetsDown"}]
    wrong = [
        replace(case, why=f"wrongly {case.why}", fires=() if case.fires else ({"severity": "page"},)) for case in cases
    ]
    output = run_cases(tmp_path, {"infrastructure": [*cases, *wrong]})
    assert set(re.findall(r"# (\w+: [^;]+);", output)) == {f"{case.alert}: {case.why}" for case in wrong}
