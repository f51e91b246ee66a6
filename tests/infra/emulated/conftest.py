"""What takes minutes of waiting begins before what takes minutes of work."""

from collections.abc import Iterator

import pytest

from tests.infra.background_process import start_if_selected
from tests.infra.emulated import database


@pytest.fixture(scope="session")
def applying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[database.BackgroundApply]:
    """The database's apply, begun."""
    with database.applying(tmp_path_factory.mktemp("database")) as begun:
        yield begun


@pytest.fixture(scope="session")
def begun_ahead(request: pytest.FixtureRequest) -> None:
    """The database's apply goes on from now on, where a chosen test is about it."""
    start_if_selected(request, "applying")
