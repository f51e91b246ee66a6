"""checkov, without a network, on Terraform, the Dockerfile, the workflows and the rendered chart."""

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.infra.charts import GOLDEN, ROOT
from tests.requirement import skip_or_fail

PROGRAM: Final = ROOT / ".venv-infra/bin/checkov"
FRAMEWORKS: Final = ("terraform", "dockerfile", "github_actions", "kubernetes")


@dataclass(frozen=True, slots=True)
class Report:
    """Result for one framework: failures as `CHECK resource`, counts of passed and skipped checks, files."""

    failed: frozenset[str]
    passed: int
    skipped: int
    files: frozenset[str]


def copy_scanned_files(folder: Path) -> Path:
    """Copy the project's own files to scan into the folder."""
    without = shutil.ignore_patterns(".terraform*")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=without)
    shutil.copytree(ROOT / ".github", folder / ".github")
    for workflow in (folder / ".github/workflows").iterdir():
        # checkov's workflow schema allows no expression here, and it ignores files that do not match its schema.
        text = workflow.read_text(encoding="utf-8")
        workflow.write_text(re.sub(r"cancel-in-progress: \$\{\{.*\}\}", "cancel-in-progress: true", text))
    shutil.copy(ROOT / "Dockerfile", folder)
    (folder / "kubernetes").mkdir()
    for environment in ("dev", "prod"):
        shutil.copy(GOLDEN / f"{environment}.yaml", folder / "kubernetes")
    return folder


def scan(folder: Path) -> dict[str, Report]:
    """Reports by framework."""
    if not PROGRAM.is_file():
        skip_or_fail("checkov is not installed: run make infra")
    done = subprocess.run(
        [
            *(
                PROGRAM,
                "--skip-download",
                "--compact",
                "--output",
                "json",
                "--directory",
                ".",
                "--framework",
                *FRAMEWORKS,
            ),
            *("--var-file", "terraform/environments/prod.tfvars"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    reports = json.loads(done.stdout)
    return {each["check_type"]: _report(each) for each in (reports if isinstance(reports, list) else [reports])}


def _report(found: dict[str, Any]) -> Report:
    failed = frozenset(f"{each['check_id']} {each['resource']}" for each in found["results"]["failed_checks"])
    checked = (*found["results"]["failed_checks"], *found["results"]["passed_checks"])
    files = frozenset(each["file_path"].lstrip("/") for each in checked)
    summary = found["summary"]
    return Report(failed, summary["passed"], summary["skipped"] + summary["parsing_errors"], files)


def skips() -> dict[str, dict[str, str]]:
    """The reason of each accepted finding, by framework."""
    return tomllib.loads(Path(__file__).with_name("skips.toml").read_text(encoding="utf-8"))


def covers(line: str, finding: str) -> bool:
    """Whether the line of skips.toml matches the finding."""
    return finding.startswith(line[:-1]) if line.endswith("*") else finding == line
