"""The root on AWS is formatted, valid, and plans for every environment, without an account and without network."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.mirror import init, terraform

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "terraform/environments").glob("*.tfvars"))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([terraform(), *words, "-no-color"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that the root reads, apart from the checkout, and initialised."""
    folder = tmp_path_factory.mktemp("terraform")
    for name in ("terraform", "dashboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform*"))
    init(folder / "terraform/aws")
    return folder / "terraform/aws"


@pytest.mark.property(1)
def test_every_file_is_formatted() -> None:
    done = run(ROOT / "terraform", "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


@pytest.mark.property(1)
def test_the_root_is_valid(copy: Path) -> None:
    done = run(copy, "validate")
    assert done.returncode == 0, done.stderr


@pytest.mark.property(1)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_plans(copy: Path, environment: str) -> None:
    done = run(
        copy, "test", f"-var-file=../environments/{environment}.tfvars", f"-filter=tests/{environment}.tftest.hcl"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout


def test_each_alarm_has_a_runbook_that_is_there() -> None:
    text = (ROOT / "terraform/aws/alarms.tf").read_text(encoding="utf-8")
    named = re.findall(r'runbook\s+= "([^"]+)"', text)
    assert len(named) == text.count("metric_name")
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_each_environment_has_a_test_of_its_own() -> None:
    assert (
        sorted(path.name.removesuffix(".tftest.hcl") for path in (ROOT / "terraform/aws/tests").glob("*.tftest.hcl"))
        == ENVIRONMENTS
    )
