"""A web server that many tests ask."""

from collections.abc import Iterator

import pytest

from tests.acceptance.api.conftest import served


@pytest.fixture(scope="module")
def url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the web server with its usual settings."""
    with served({}, tmp_path_factory.mktemp("web") / "web.log") as address:
        yield address
