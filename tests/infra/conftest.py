"""What the tests of the infrastructure share: evidence, renders, and what Terraform plans."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import Manifest, anden
from tests.infra.plans import Planner, Root
from tests.infra.summary import EVIDENCE

TOGETHER: Final = {"root": "terraform", "unpacked": "function", "applying": "emulated", "begun_ahead": "emulated"}
"""Fixtures that take half a minute of the processor, and the group of those who ask for one."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those who ask for the same dear thing share a worker: it is made once."""
    for item in items:
        groups = [name for fixture, name in TOGETHER.items() if fixture in getattr(item, "fixturenames", ())]
        if groups and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(groups[0]))


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that keeps what the test saw, for the line of its property."""

    def keep(seen: str) -> None:
        request.node.user_properties.append((EVIDENCE, seen))

    return keep


@pytest.fixture(scope="session", params=["dev", "prod", "minimal"])
def rendered(request: pytest.FixtureRequest) -> list[Manifest]:
    """The objects of charts/anden, once for each set of values."""
    return anden(request.param)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The root on AWS in a copy, initialised once for all who ask Terraform."""
    return Root.copied(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def planned(root: Root) -> Planner:
    """A function of an environment, and of a mode of PostgreSQL, that says what Terraform plans."""
    return root.planned
