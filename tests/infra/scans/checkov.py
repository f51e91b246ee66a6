"""What checkov finds, without network: in Terraform, the image, the workflows, and what the chart renders."""

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
    """What was found in one framework: `CHECK resource` of each failure, how much passed or was left out, where."""

    failed: frozenset[str]
    passed: int
    left_out: int
    files: frozenset[str]


def collected(folder: Path) -> Path:
    """A folder that holds what is ours to scan, and nothing else."""
    without = shutil.ignore_patterns(".terraform*")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=without)
    shutil.copytree(ROOT / ".github", folder / ".github")
    for workflow in (folder / ".github/workflows").iterdir():
        # checkov's schema of workflows knows no expression there, and it passes over what does not fit its schema.
        text = workflow.read_text(encoding="utf-8")
        workflow.write_text(re.sub(r"cancel-in-progress: \$\{\{.*\}\}", "cancel-in-progress: true", text))
    shutil.copy(ROOT / "Dockerfile", folder)
    (folder / "kubernetes").mkdir()
    for environment in ("dev", "prod"):
        shutil.copy(GOLDEN / f"{environment}.yaml", folder / "kubernetes")
    return folder


def scanned(folder: Path) -> dict[str, Report]:
    """A report by framework."""
    if not PROGRAM.is_file():
        skip_or_fail("checkov is not installed: make infra installs it")
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
    looked_at = (*found["results"]["failed_checks"], *found["results"]["passed_checks"])
    files = frozenset(each["file_path"].lstrip("/") for each in looked_at)
    summary = found["summary"]
    return Report(failed, summary["passed"], summary["skipped"] + summary["parsing_errors"], files)


def skips() -> dict[str, dict[str, str]]:
    """The reason of each finding that stays, by framework."""
    return tomllib.loads(Path(__file__).with_name("skips.toml").read_text(encoding="utf-8"))


def covers(line: str, finding: str) -> bool:
    """Whether the line of the skips is about the finding."""
    return finding.startswith(line[:-1]) if line.endswith("*") else finding == line
