"""The distribution of tests over pytest-xdist workers."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.workers import FIRST, IN_TURN, TOGETHER, pytest_collection_modifyitems, workers_for

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "words",
    [["tests/unit/api/test_keyset.py"], ["tests/unit/api/test_keyset.py::test_one", "tests/unit/test_two.py"]],
)
def test_single_files_and_tests_run_without_workers(words: list[str]) -> None:
    assert workers_for(words, cores=8) == 0


@pytest.mark.parametrize("words", [[], ["tests"], ["tests/unit", "tests/unit/api/test_keyset.py"]])
def test_folders_start_more_workers_than_there_are_cores(words: list[str]) -> None:
    assert workers_for(words, cores=2) == 3


class Case:
    """A collected test with the attributes that the plugin uses."""

    def __init__(self, nodeid: str, *fixtures: str, group: str = "") -> None:
        self.nodeid, self.fixturenames, self.group = nodeid, fixtures, group

    def get_closest_marker(self, _name: str) -> str:
        return self.group

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.group = mark.args[0]


def test_files_and_users_of_a_shared_fixture_stay_together_and_the_longest_run_first() -> None:
    run, questions = IN_TURN
    cases: list[Any] = [
        Case("tests/unit/test_a.py::test_one"),
        Case("tests/unit/test_a.py::test_two", group="its own"),
        Case("tests/integration/test_b.py::test_plain"),
        Case("tests/integration/test_b.py::test_kafka", "kafka_server"),
        Case("tests/acceptance/test_c.py::test_kafka", "tmp_path", "kafka_server"),
        Case(f"{run}::test"),
        Case(f"{questions}::test"),
    ]
    found = list(cases)
    pytest_collection_modifyitems(cast("pytest.Config", SimpleNamespace(workerinput={})), found)
    assert [case.group for case in cases] == [
        "tests/unit/test_a.py",
        "its own",
        "kafka",
        "kafka",
        "kafka",
        "make run",
        "make run",
    ]
    assert found == [*cases[2:5], *cases[5:], *cases[:2]]
    alone: list[Any] = [
        Case("tests/unit/test_a.py::test_one"),
        Case("tests/integration/test_b.py::test", "kafka_server"),
    ]
    kept = list(alone)
    pytest_collection_modifyitems(cast("pytest.Config", SimpleNamespace()), alone)
    assert alone == kept
    assert [case.group for case in alone] == ["", ""]


def test_each_path_in_the_tables_exists() -> None:
    paths = [*IN_TURN, *(name for name in FIRST if name.startswith("tests/"))]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    named = {*TOGETHER.values(), *IN_TURN.values()}
    assert {name for name in FIRST if not name.startswith("tests/")} <= named


def test_tests_of_one_group_share_a_worker(tmp_path: Path) -> None:
    """One package writes groups into ids and another reads them: their versions must match."""
    for name in ("first", "second"):
        (tmp_path / f"test_{name}.py").write_text(
            "import pytest, time\n"
            "@pytest.mark.xdist_group('one')\n"
            "@pytest.mark.parametrize('number', range(4))\n"
            "def test(number): time.sleep(0.05)\n"
        )
    words = ["-n2", "--dist=loadgroup", "-v", "-p", "no:django", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-c", os.devnull, f"--rootdir={tmp_path}", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    workers = re.findall(r"^\[(gw\d)\].*PASSED", done.stdout, re.MULTILINE)
    assert (len(workers), len(set(workers))) == (8, 1), done.stdout
