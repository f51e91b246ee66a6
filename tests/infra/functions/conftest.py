"""The API's function, built for Lambda and for this machine."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from packing.api import HERE, PackagesMissing
from packing.build import ApiArchive, build, unpack_layout
from tests.functions import Function, warm
from tests.requirement import skip_or_fail
from tests.station import Station

Run = Callable[..., AbstractContextManager[Function]]

OFFLINE: Final = re.compile(r"Failed to establish|Temporary failure|Name or service|timed out|Max retries|Connection")
URLS: Final = frozenset(f"ANDEN_DATABASE_{role}_URL" for role in ("APP", "READER", "WRITER"))
NAME: Final = "function-under-test"
"""application_name of its connections."""


@contextmanager
def online() -> Iterator[None]:
    """Skip if pip has no network; a package that is missing for Lambda is a failure."""
    try:
        yield
    except PackagesMissing as error:
        if OFFLINE.search(str(error)):
            skip_or_fail("pip reaches no index to download the function's packages")
        raise


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> ApiArchive:
    """The API's zip for Lambda."""
    with online():
        return build(tmp_path_factory.mktemp("lambda") / "api.zip")


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked function, built for this machine."""
    folder = tmp_path_factory.mktemp("unpacked")
    with online():
        unpack_layout(folder, HERE)
    return folder


@pytest.fixture
def run(station: Station, unpacked: Path, tmp_path: Path) -> Run:
    """A factory that starts the API's function on the test database, with changed variables."""

    def started(**changed: str) -> AbstractContextManager[Function]:
        urls = {name: f"{os.environ[name]}?application_name={NAME}" for name in URLS}
        own = {"ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4, "ANDEN_ALLOWED_HOSTS": "testserver"}
        environment = {**urls, **own, **changed}
        log, bytecode = tmp_path / "log", unpacked.with_name("bytecode")
        return warm("functions.api.handler", unpacked, environment=environment, log=log, bytecode=bytecode)

    return started
