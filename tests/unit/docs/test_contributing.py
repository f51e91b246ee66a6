"""The documents for contributors name files, commands and rules that exist."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml

from apps import __version__

ROOT = Path(__file__).parents[3]
CONTRIBUTING: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH: Final = re.compile(r"(?<![\w/])(?:apps|tests|docs|platform|embedded|bench|\.vale)/[\w./-]*\w")
WHERE: Final = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## Where to look")[2]
ROWS: Final = [line.split("|")[2] for line in WHERE.partition("\n## ")[0].splitlines()[4:] if line.startswith("|")]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/house-style.md", "docs/architecture.md"])
def test_each_path_exists(name: str) -> None:
    text = re.sub(r"\]\([^)]*\)", "]", (ROOT / name).read_text(encoding="utf-8"))
    paths = PATH.findall(text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert paths


def test_each_file_of_the_architecture_table_exists() -> None:
    """A row names folders and files; a bare file name belongs to a folder before it, or to each app."""
    assert {name: row for row in ROWS for name in _unknown(row)} == {}
    assert len(ROWS) > 20


def test_each_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("CONTRIBUTING.md", "README.md", "docs/house-style.md", "docs/benchmarks.md"):
        used = set(re.findall(r"\bmake ([a-z-]+)", "\n".join(_code((ROOT / name).read_text(encoding="utf-8")))))
        assert used - targets == set(), name


def test_the_seven_common_changes_are_listed() -> None:
    table = CONTRIBUTING.partition("## Common changes")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| (?:a|an) ", table, re.MULTILINE)) == 7


def test_the_bug_report_asks_for_the_doctor() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text(encoding="utf-8"))
    asked = {field["id"]: field for field in form["body"]}
    assert "manage.py doctor" in asked["doctor"]["attributes"]["label"]
    assert asked["doctor"]["validations"]["required"]
    assert (ROOT / "apps/console/management/commands/doctor.py").is_file()


def test_every_place_names_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert project == changelog[0] == __version__
    assert f"version {project}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pre_commit_hooks_are_local() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}


def _unknown(row: str) -> list[str]:
    names = re.findall(r"`([\w./-]+)`", re.sub(r"\]\([^)]*\)", "]", row))
    folders = [ROOT / name for name in names if (ROOT / name).is_dir()]
    folders += [(ROOT / name).parent for name in names if (ROOT / name).is_file()]
    folders += [] if folders else [folder for folder in (ROOT / "apps").iterdir() if folder.is_dir()]
    return [name for name in names if not any((folder / name).exists() for folder in (ROOT, *folders))]


def _code(text: str) -> list[str]:
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
