"""A query passes through the same number of layers however many connections came before."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from psycopg.types.string import StrDumper

from apps.telemetry.postgresql.base import DatabaseWrapper
from tests.station import Station

ALONE = 100
POOLED = 10_000


class Marker(str):
    """A parameter that records how it is sent to PostgreSQL."""


class DepthDumper(StrDumper):
    """Records the stack depth when a parameter is serialized."""

    depths: set[int] = set()

    def dump(self, obj: Any) -> Any:
        frame, depth = sys._getframe(), 0
        while frame := frame.f_back:  # type: ignore[assignment] # None at the bottom ends it
            depth += 1
        self.depths.add(depth)
        return super().dump(obj)


@pytest.fixture(params=[{}, {"pool": {"min_size": 2, "max_size": 2}}], ids=["alone", "pooled"])
def database(station: Station, request: pytest.FixtureRequest) -> Iterator[DatabaseWrapper]:
    settings = {**connections["default"].settings_dict, "OPTIONS": request.param}
    database = DatabaseWrapper(settings, alias="depth")
    yield database
    database.close()
    database.close_pool()


def layers(database: DatabaseWrapper) -> tuple[Any, ...]:
    """The classes of a new connection's cursors, and what the connection carries."""
    with database.cursor() as cursor:
        cursor.adapters.register_dumper(Marker, DepthDumper)
        cursor.execute("SELECT %s", [Marker("x")])
        assert cursor.fetchone() == ("x",)
        innermost = cursor.cursor
        return (
            type(cursor),
            type(innermost).__mro__,
            database.connection.cursor_factory.__mro__,
            type(database.connection).__mro__,
            frozenset(vars(database.connection)),
            frozenset(vars(database)),
            len(database.execute_wrappers),
        )


def test_the_layers_of_a_query_do_not_grow_with_the_connections(database: DatabaseWrapper) -> None:
    DepthDumper.depths.clear()
    first = layers(database)
    sessions = set()
    for _ in range(POOLED if database.settings_dict["OPTIONS"] else ALONE):
        database.close()
        assert layers(database) == first
        sessions.add(database.connection.info.backend_pid)
    assert len(DepthDumper.depths) == 1, "the stack of a query grew"
    assert len(sessions) == (2 if database.settings_dict["OPTIONS"] else ALONE)
