"""How tests are dealt out to workers."""

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
