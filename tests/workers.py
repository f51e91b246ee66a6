"""Distribute tests with pytest-xdist: the number of workers, which tests share one, and which start first.

A plugin: pytest_plugins = ["tests.workers"]

Each worker has separate servers, because roles, connections and outages affect an entire PostgreSQL server; creating
and migrating one takes three seconds. The tests of a file share a worker and thereby fixtures, unless a test has the
mark `xdist_group`.
"""

import os
from collections.abc import Sequence
from typing import Final

import pytest

TOGETHER: Final = {"kafka_server": "kafka", "live_server": "browser"}
"""Expensive fixtures: all files with a test that uses one of them share a worker."""

IN_TURN: Final = {
    "tests/acceptance/test_make_run.py": "make run",
    "tests/acceptance/monitoring/test_questions_have_data.py": "make run",
}
"""Files that must not run in parallel: two simultaneous `make run` would choose the same ports."""


FIRST: Final = (
    "kafka",
    "tests/infra/functions",
    "make run",
    "tests/acceptance/test_two_releases.py",
    "tests/integration/ingest/test_cut_logs.py",
    "tests/infra/emulated",
    "tests/infra",
    "tests/acceptance",
    "tests/integration",
)
"""What starts first: the longest, so that only short tests remain at the end and no worker idles."""


def workers_for(paths: Sequence[str], cores: int) -> int:
    """The number of workers for these paths and test ids; 0 if each is a single file or test."""
    if paths and all("::" in path or path.endswith(".py") for path in paths):
        return 0
    # Most tests wait for other processes, so one worker more than cores keeps all cores busy.
    return cores + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """The number of workers for `-n auto`, unless the environment sets it."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return workers_for(config.args, os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group the tests that share a worker, longest first. Does nothing without workers."""
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
    """The group's position in FIRST."""
    return next((rank for rank, name in enumerate(FIRST) if group.startswith(name)), len(FIRST))
