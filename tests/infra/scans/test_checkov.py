"""Every checkov finding has a reason, and every reason has a finding."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.charts import ROOT
from tests.infra.scans.checkov import FRAMEWORKS, Report, copy_scanned_files, covers, scan, skips

# A public database, an image without a version, and an over-privileged workflow and pod.
FAULTS = {
    "terraform/fault.tf": 'resource "aws_db_instance" "fault" {\n  publicly_accessible = true\n}\n',
    "Dockerfile": "FROM python:latest\nRUN sudo true\n",
    ".github/workflows/fault.yml": (
        "on: push\npermissions: write-all\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps: [{run: 'true'}]\n"
    ),
    "kubernetes/fault.yaml": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: fault}\nspec:\n  hostNetwork: true\n"
        "  containers: [{name: fault, image: x, securityContext: {privileged: true}}]\n"
    ),
}
FOUND = {
    "terraform": "CKV_AWS_17 aws_db_instance.fault",
    "dockerfile": "CKV_DOCKER_7 /Dockerfile.FROM",
    "github_actions": "CKV2_GHA_1 on",
    "kubernetes": "CKV_K8S_16 Pod.default.fault",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    return scan(copy_scanned_files(tmp_path_factory.mktemp("scan")))


@pytest.mark.property(15)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_finding_has_a_reason_and_each_reason_a_finding(
    reports: dict[str, Report], framework: str, evidence: Callable[[str], None]
) -> None:
    report, reasons = reports[framework], skips().get(framework, {})
    assert report.passed > 0
    assert report.skipped == 0, "a comment skips a check, or a file could not be parsed"
    unexplained = {each for each in report.failed if not any(covers(line, each) for line in reasons)}
    assert unexplained == set()
    stale = {line for line in reasons if not any(covers(line, each) for each in report.failed)}
    assert stale == set()
    evidence(f"checkov, {framework}: {report.passed} passed, {len(report.failed)} explained by {len(reasons)} reasons")


def test_each_file_is_scanned(reports: dict[str, Report]) -> None:
    workflows = {f".github/workflows/{path.name}" for path in (ROOT / ".github/workflows").iterdir()}
    assert reports["github_actions"].files == workflows
    assert reports["dockerfile"].files == {"Dockerfile"}
    assert reports["kubernetes"].files == {"kubernetes/dev.yaml", "kubernetes/prod.yaml"}
    modules = {path.parent.name for path in (ROOT / "terraform/modules").glob("*/main.tf")}
    # checkov has no check for budgets or Helm releases.
    assert modules - {Path(name).parent.name for name in reports["terraform"].files} == {"budget", "kubernetes"}


@pytest.mark.property(15)
def test_each_skip_has_a_reason() -> None:
    assert set(skips()) <= set(FRAMEWORKS)
    reasons = [reason for lines in skips().values() for reason in lines.values()]
    assert [reason for reason in reasons if len(reason.split()) < 6] == []


def test_a_fault_of_each_kind_is_found(tmp_path: Path) -> None:
    for name, text in FAULTS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "terraform/environments").mkdir()
    (tmp_path / "terraform/environments/prod.tfvars").write_text("", encoding="utf-8")
    found = scan(tmp_path)
    for framework, finding in FOUND.items():
        assert finding in found[framework].failed, sorted(found[framework].failed)
