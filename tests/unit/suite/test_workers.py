"""How tests are dealt out to workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers import FIRST, IN_TURN, TOGETHER, workers_for

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "words",
    [["tests/unit/api/test_keyset.py"], ["tests/unit/api/test_keyset.py::test_one", "tests/unit/test_two.py"]],
)
def test_single_files_and_tests_start_no_worker(words: list[str]) -> None:
    assert workers_for(words, cores=8) == 0


@pytest.mark.parametrize("words", [[], ["tests"], ["tests/unit", "tests/unit/api/test_keyset.py"]])
def test_folders_start_more_workers_than_there_are_cores(words: list[str]) -> None:
    assert workers_for(words, cores=2) == 3


def test_each_path_that_is_named_is_there() -> None:
    paths = [*IN_TURN, *(name for name in FIRST if name.startswith("tests/"))]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    named = {*TOGETHER.values(), *IN_TURN.values()}
    assert {name for name in FIRST if not name.startswith("tests/")} <= named


def test_tests_of_one_group_share_a_worker(tmp_path: Path) -> None:
    """What writes groups into ids, and what reads them there, are two packages: their versions have to fit."""
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
