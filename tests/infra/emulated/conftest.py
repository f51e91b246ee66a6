"""Start the slow apply in the background before other slow tests."""

from collections.abc import Iterator

import pytest

from tests.infra.background_process import start_if_selected
from tests.infra.emulated import database


@pytest.fixture(scope="session")
def background_apply(tmp_path_factory: pytest.TempPathFactory) -> Iterator[database.BackgroundApply]:
    """The database's apply, started."""
    with database.background_apply(tmp_path_factory.mktemp("database")) as started:
        yield started


@pytest.fixture(scope="session")
def apply_started(request: pytest.FixtureRequest) -> None:
    """Start the database's apply now if a selected test uses it."""
    start_if_selected(request, "background_apply")
