"""How pytest-xdist deals the tests out: how many workers there are, what shares one, and what is begun first.

A plugin: pytest_plugins = ["tests.workers"]

Each worker has servers of its own, because roles, connections and outages belong to a whole PostgreSQL server: to make
one and migrate it costs three seconds. The tests of a file share a worker, and so the file's fixtures; a mark
`xdist_group` on a test decides otherwise.
"""

import os
from collections.abc import Sequence
from typing import Final

import pytest

TOGETHER: Final = {"kafka_server": "kafka", "live_server": "browser"}
"""Fixtures that are dear to make: all files with a test that asks for one of them share a worker."""

IN_TURN: Final = {
    "tests/acceptance/test_make_run.py": "make run",
    "tests/acceptance/monitoring/test_questions_have_data.py": "make run",
}
"""Files of which one has to wait for the other: two `make run` that begin at once would choose the same ports."""


FIRST: Final = (
    "kafka",
    "tests/infra/functions",
    "make run",
    "tests/integration/ingest/test_cut_logs.py",
    "tests/infra/emulated",
    "tests/infra",
    "tests/acceptance",
    "tests/integration",
)
"""What is begun first, the longest before all: what is left at the end is short, and no worker waits for another."""


def workers_for(words: Sequence[str], cores: int) -> int:
    """How many workers fit these paths and test ids: none where each is one file or one test."""
    if words and all("::" in word or word.endswith(".py") for word in words):
        return 0
    # Most tests wait for other processes: one worker more than there are cores keeps all of them busy.
    return cores + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """What `-n auto` means here, where the environment does not say it."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return workers_for(config.args, os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group the tests that share a worker, and put the longest first; without workers, change nothing."""
    if not hasattr(config, "workerinput"):
        return
    groups = {_file(item): IN_TURN.get(_file(item), _file(item)) for item in items}
    for item in items:
        for fixture, name in TOGETHER.items():
            if fixture in getattr(item, "fixturenames", ()):
                groups[_file(item)] = name
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(groups[_file(item)]))
    items.sort(key=lambda item: _rank(groups[_file(item)]))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _rank(group: str) -> int:
    """The place of the group's worth of time among others."""
    return next((place for place, name in enumerate(FIRST) if group.startswith(name)), len(FIRST))
