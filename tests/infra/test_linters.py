"""Third-party linters find nothing in the Dockerfile, scripts, workflows and YAML."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.infra.repository_files import ROOT, tracked

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
Require = Callable[[str], str]


def scripts() -> list[Path]:
    """All shell scripts of the project."""
    return [path for path in tracked() if is_script(path)]


def is_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.split()[-1].endswith(b"sh")


def findings(*command: str | Path) -> str:
    """The linter's output; empty for a good file."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or done.stdout + done.stderr
    return done.stdout + done.stderr


def actionlint(require: Require, paths: Sequence[Path]) -> str:
    """actionlint's findings, with shellcheck's for the scripts."""
    return findings(
        require("actionlint"), "-no-color", "-oneline", "-shellcheck", require("shellcheck"), "-pyflakes", "", *paths
    )


def test_hadolint_finds_nothing_in_the_dockerfile(require: Require) -> None:
    assert findings(require("hadolint"), "--no-color", "Dockerfile") == ""


def test_shellcheck_finds_nothing_in_any_script(require: Require) -> None:
    found = scripts()
    assert {ROOT / ".ci/run", ROOT / ".ci/retry", ROOT / "platform/entrypoint"} <= set(found)
    assert findings(require("shellcheck"), "--external-sources", *found) == ""


def test_yamllint_finds_nothing(require: Require) -> None:
    assert findings(require("yamllint"), "--format", "parsable", ".") == ""


def test_actionlint_finds_nothing_in_the_workflows_or_their_scripts(require: Require) -> None:
    assert WORKFLOWS
    assert actionlint(require, WORKFLOWS) == ""


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        ("run: echo ${{ github.event.pull_request.title }}", "is potentially untrusted"),
        ("run: echo $GITHUB_REF", "SC2086"),
        ("run: echo ${{ github.evnt }}", 'property "evnt" is not defined'),
    ],
)
def test_actionlint_and_shellcheck_report_faults(require: Require, tmp_path: Path, broken: str, finding: str) -> None:
    path = tmp_path / "broken.yml"
    path.write_text(f"on: pull_request\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - {broken}\n")
    assert finding in actionlint(require, [path])
