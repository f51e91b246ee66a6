"""The version of Kubernetes is supported by AWS, and a plan says so in time when that comes to an end."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.infra.declared import FOLDERS, TERRAFORM, bare, parsed, texts
from tests.infra.variables.cases import good
from tests.infra.variables.verdicts import Question, verdicts

ENVIRONMENTS: Final = sorted((TERRAFORM / "environments").glob("*.tfvars"))


def support_table() -> dict[str, date]:
    """The last day of standard support by version, as modules/eks has it."""
    (table,) = (
        each["standard_support_until"]
        for each in parsed(FOLDERS["eks"] / "main.tf")["locals"]
        if "standard_support_until" in each
    )
    return {version: date.fromisoformat(day) for version, day in table.items()}


@pytest.mark.property(6)
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_an_environment_runs_a_version_that_is_supported_today(
    environment: Path, evidence: Callable[[str], None]
) -> None:
    version = parsed(environment)["kubernetes_version"]
    until = support_table()[version]
    left = (until - datetime.now(UTC).date()).days
    assert left >= 0, f"standard support of Kubernetes {version} ended on {until}: see docs/guides/upgrade.md"
    evidence(f"{environment.stem} runs {version}, supported until {until}")


@pytest.mark.property(6)
def test_sixty_days_before_support_ends_a_plan_says_so(tmp_path: Path, evidence: Callable[[str], None]) -> None:
    (check,) = texts(FOLDERS["eks"], "check")
    assert check.count("plantimestamp()") == 1
    now = 'variable "now" {\n  type = string\n}\n'
    root = "\n".join([bare(FOLDERS["eks"]), check.replace("plantimestamp()", "var.now"), now])
    days = ("2027-01-25T23:59:59Z", "2027-01-26T00:00:00Z", "2027-03-28T00:00:00Z")
    values = {**good("eks"), "kubernetes_version": "1.35"}
    quiet, *late = verdicts(tmp_path, {"one": root}, [Question("one", {**values, "now": day}) for day in days])
    assert quiet == []
    assert [len(complaints) for complaints in late] == [1, 1]
    assert all("Kubernetes 1.35 ends on 2027-03-27" in complaint for (complaint,) in late)
    evidence("a plan of 1.35 is quiet on 2027-01-25 and warns from 2027-01-26 on, 60 days before support ends")
