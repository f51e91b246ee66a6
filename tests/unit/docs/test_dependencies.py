"""docs/dependencies.md has a row for each dependency, and for nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"^([A-Za-z0-9._-]+)")


def declared(name: str) -> list[str]:
    if name == "go-tools":
        modules = (ROOT / "requirements/go-tools.txt").read_text(encoding="utf-8").splitlines()
        return [line.rpartition("/")[2].partition("@")[0] for line in modules if not line.startswith("#")]
    lines = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [match[1] for line in lines if (match := NAME.match(line)) and not line.startswith("-")]


def documented() -> dict[str, list[list[str]]]:
    """The rows of each section's table, as cells."""
    sections = re.split(r"^## ", (ROOT / "docs/dependencies.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.partition(":")[0]: [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("| `")
        ]
        for section in sections
    }


def test_every_requirements_file_has_a_section() -> None:
    assert set(documented()) == {path.stem for path in (ROOT / "requirements").glob("*.in")} | {"go-tools"}


@pytest.mark.parametrize("name", ["base", "embedded", "dev", "flights", "function", "infra", "go-tools"])
def test_each_dependency_has_one_row_with_its_reasons_in_the_order_of_the_file(name: str) -> None:
    rows = documented()[name]
    assert [row[0].strip("`") for row in rows] == declared(name)
    for row in rows:
        assert len(row) == 4
        assert all(row), row
