"""Shared fixtures: the servers, one new database per session, and a clean installation."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from pytest_django import DjangoDbBlocker

from embedded.postgres import EmbeddedPostgres
from tests.station import Station, empty_station

# No role may truncate: `station` empties the tables as superuser, replacing Django's flush.
TransactionTestCase._fixture_teardown = lambda self: None  # type: ignore[attr-defined]

pytest_plugins = ["tests.infra.summary", "tests.programs", "tests.servers", "tests.workers"]

FIGURE = "figure"
"""The user property with a figure to print at the end."""

hypothesis.settings.register_profile("anden", deadline=None)  # these machines are noisy
hypothesis.settings.load_profile("anden")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, whichever process ran them."""
    # The teardown report has all properties, and there is one per test.
    reports = [report for report in terminalreporter.stats.get("", []) if report.when == "teardown"]
    for name, figure in (found for report in reports for found in report.user_properties):
        if name == FIGURE:
            terminalreporter.line(str(figure))


@pytest.fixture
def record_figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """A function that prints a figure at the end, even if the test passes."""
    return lambda figure: record_property(FIGURE, figure)


@pytest.fixture(scope="session")
def django_db_setup(postgres_server: EmbeddedPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """This session's database, migrated as owner; every alias and every child process uses it."""
    urls = postgres_server.urls()
    os.environ.update(urls)
    secrets = {name.removeprefix("ANDEN_").lower(): SecretStr(url) for name, url in urls.items()}
    settings.ANDEN = settings.ANDEN.model_copy(update=secrets)
    for alias in settings.DATABASES:
        role = "app" if alias == "default" else alias
        server = _connection_settings(urls[f"ANDEN_DATABASE_{role.upper()}_URL"])
        settings.DATABASES[alias].update(server)
        connections[alias].settings_dict.update(server)
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        yield
        connections.close_all()


def _connection_settings(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    return {
        "HOST": parts["host"],
        "PORT": str(parts["port"]),
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "PASSWORD": parts["password"],
    }


@pytest.fixture
def station(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_server: EmbeddedPostgres
) -> Iterator[Station]:
    """An installation without datasets, clients or users, with real database roles; emptied before each test."""
    with django_db_blocker.unblock(), empty_station(postgres_server.admin_url) as station:
        yield station


@pytest.fixture(scope="module")
def module_station(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_server: EmbeddedPostgres
) -> Iterator[Station]:
    """The same, shared by a module whose tests fill it once and then only read."""
    with django_db_blocker.unblock(), empty_station(postgres_server.admin_url) as station:
        yield station
