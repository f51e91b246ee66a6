"""Fixtures of the infrastructure tests: evidence, renders and Terraform plans."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.charts import Manifest, anden
from tests.infra.plans import Planner, Root
from tests.infra.summary import EVIDENCE

TOGETHER: Final = {
    "root": "terraform",
    "unpacked": "function",
    "background_apply": "emulated",
    "apply_started": "emulated",
}
"""Expensive fixtures, about 30 s of CPU each, and the xdist group of the tests that use them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests with the same expensive fixture on one worker, so that it is created once."""
    for item in items:
        groups = [name for fixture, name in TOGETHER.items() if fixture in getattr(item, "fixturenames", ())]
        if groups and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(groups[0]))


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that records what the test verified, for the summary of its property."""

    def record(seen: str) -> None:
        request.node.user_properties.append((EVIDENCE, seen))

    return record


@pytest.fixture(scope="session", params=["dev", "prod", "minimal"])
def rendered(request: pytest.FixtureRequest) -> list[Manifest]:
    """Objects of charts/anden, for each set of values."""
    return anden(request.param)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """A copy of the AWS root, initialised once."""
    return Root.copied(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def planned(root: Root) -> Planner:
    """A function that returns the plan of an environment and PostgreSQL mode."""
    return root.planned
