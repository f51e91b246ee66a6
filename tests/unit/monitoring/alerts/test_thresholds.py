"""Each alert on a threshold or an absence fires when it should, and only then."""

from pathlib import Path

import pytest

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.catalogue import RULE_FILES
from tests.unit.monitoring.alerts.promtool import Case, firing, run
from tests.unit.monitoring.alerts.thresholds import CASES_BY_FILE

CASES = [
    pytest.param(name, case, id=f"{case.alert}: {case.why}") for name, cases in CASES_BY_FILE.items() for case in cases
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_it_fires_or_stays_silent_as_it_should(name: str, case: Case, tmp_path: Path) -> None:
    assert run(tmp_path, [(case.series, [firing(case)])], files=[name]) == ""


@pytest.mark.parametrize("name", CASES_BY_FILE)
def test_every_alert_of_the_file_has_a_case_that_fires_and_one_that_is_silent(name: str) -> None:
    declared = {rule.name for group in RULE_FILES[name] for rule in group.rules if isinstance(rule, Alert)}
    cases = CASES_BY_FILE[name]
    assert {case.alert for case in cases if case.fires} == declared
    assert {case.alert for case in cases if not case.fires} == declared


def test_a_wrong_expectation_is_told(tmp_path: Path) -> None:
    silent = next(case for case in CASES_BY_FILE["station"] if case.alert == "ScrapeFailing" and case.fires)
    wrong = Case(silent.alert, silent.why, silent.series, silent.at)
    assert "FAILED" in run(tmp_path, [(wrong.series, [firing(wrong)])], files=["station"])
