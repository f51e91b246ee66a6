"""AWS supports the Kubernetes version, and a plan warns before support ends."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.infra.terraform_files import FOLDERS, TERRAFORM, parsed, texts, variables_only
from tests.infra.variables.cases import good
from tests.infra.variables.validation_errors import VariableValues, validation_errors

NOTICE_DAYS: Final = 60
ENVIRONMENTS: Final = sorted((TERRAFORM / "environments").glob("*.tfvars"))


def support_table() -> dict[str, date]:
    """Last day of standard support by version, from modules/eks."""
    (table,) = (
        each["standard_support_until"]
        for each in parsed(FOLDERS["eks"] / "main.tf")["locals"]
        if "standard_support_until" in each
    )
    return {version: date.fromisoformat(day) for version, day in table.items()}


def support_status(until: date, today: date) -> str:
    """Support status on `today`, if `until` is the last supported day."""
    left = (until - today).days
    if left < 0:
        return "ended"
    return f"ends in {left} days: see docs/guides/upgrade.md" if left <= NOTICE_DAYS else "supported"


@pytest.mark.property(6)
@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 26), "supported"),
        (date(2027, 1, 25), "supported"),
        (date(2027, 1, 26), "ends in 60 days: see docs/guides/upgrade.md"),
        (date(2027, 3, 27), "ends in 0 days: see docs/guides/upgrade.md"),
        (date(2027, 3, 28), "ended"),
    ],
)
def test_a_version_is_supported_then_about_to_end_then_ended(today: date, expected: str) -> None:
    assert support_status(support_table()["1.35"], today) == expected


@pytest.mark.property(6)
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_an_environment_runs_a_supported_version(environment: Path, evidence: Callable[[str], None]) -> None:
    version = parsed(environment)["kubernetes_version"]
    until = support_table()[version]
    now = support_status(until, datetime.now(UTC).date())
    assert now != "ended", f"standard support of Kubernetes {version} ended on {until}: see docs/guides/upgrade.md"
    evidence(f"{environment.stem} runs {version}, until {until}: {now}")


@pytest.mark.property(6)
def test_a_plan_warns_sixty_days_before_support_ends(tmp_path: Path, evidence: Callable[[str], None]) -> None:
    (check,) = texts(FOLDERS["eks"], "check")
    assert check.count("plantimestamp()") == 1
    now = 'variable "now" {\n  type = string\n}\n'
    root = "\n".join([variables_only(FOLDERS["eks"]), check.replace("plantimestamp()", "var.now"), now])
    days = ("2027-01-25T23:59:59Z", "2027-01-26T00:00:00Z", "2027-03-28T00:00:00Z")
    values = {**good("eks"), "kubernetes_version": "1.35"}
    quiet, *late = validation_errors(
        tmp_path, {"one": root}, [VariableValues("one", {**values, "now": day}) for day in days]
    )
    assert quiet == []
    assert [len(warnings) for warnings in late] == [1, 1]
    assert all("Kubernetes 1.35 ends on 2027-03-27" in warning for (warning,) in late)
    evidence("a plan of 1.35 has no warning on 2027-01-25 and warns from 2027-01-26 on, 60 days before support ends")
