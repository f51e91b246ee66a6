"""docs/guides/mission.md has a row for each part of the mission, with existing files and tests."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs/guides/mission.md"
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
PARTS: Final = {
    "VPC, private and public subnets",
    "Security groups",
    "EKS",
    "terraform/modules/eks",
    "terraform/modules/kubernetes",
    "Argo CD",
    "External Secrets",
    "AWS Load Balancer Controller",
    "External DNS",
    "PostgreSQL",
    "PostgreSQL (Bitnami)",
    "MSK",
    "API Gateway",
    "Lambda",
    "HCP Terraform",
    "Integration probe",
    "Django",
    "Django REST framework",
    "Celery",
    "Kafka",
    "Grafana",
    "Prometheus",
    "CloudWatch",
    "Fifty services, one of them sick",
    "CI/CD",
}


def rows() -> dict[str, tuple[str, str]]:
    """The cells of files and of tests, by the part's name."""
    cells = [line.strip("|").split("|") for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {part.strip(): (files, tests) for part, files, tests in cells if part.strip() != "Part"}


@cache
def functions(path: Path) -> frozenset[str]:
    """The functions in the file."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def targets(cell: str) -> list[tuple[str, Path]]:
    """The text and path of each link in the cell."""
    return [(words, (GUIDE.parent / target).resolve()) for words, target in LINK.findall(cell)]


def test_every_part_of_the_mission_has_its_row() -> None:
    assert set(rows()) == PARTS


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_links_existing_files(part: str) -> None:
    files = targets(rows()[part][0])
    assert files
    assert [str(path) for _, path in files if not path.exists()] == []
    assert all(words.strip("`") in str(path) for words, path in files)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_links_existing_tests(part: str) -> None:
    tests = targets(rows()[part][1])
    assert tests
    assert [words for words, path in tests if not path.is_relative_to(ROOT / "tests")] == []
    assert [words for words, path in tests if words.strip("`") not in functions(path)] == []


def test_a_test_that_does_not_exist_would_be_found() -> None:
    assert "test_a_test_that_does_not_exist_would_be_found" in functions(Path(__file__))
    assert "test_nothing_of_the_kind" not in functions(Path(__file__))
