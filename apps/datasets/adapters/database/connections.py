"""Raw psycopg connections from Django's settings, for COPY and for sessions owned by a worker."""

from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from apps.datasets.core.errors import StoreMisconfigured
from apps.telemetry.postgresql.cursors import timed_cursor


def connect(alias: str, **extra: Any) -> psycopg.Connection[Any]:
    """A new connection with the alias's role: no autocommit, UTC; the caller closes it.

    Raises psycopg.OperationalError: the server is unavailable. Raises StoreMisconfigured: the alias has no URL.
    """
    if alias not in settings.DATABASES:
        raise StoreMisconfigured(f"ANDEN_DATABASE_{alias.upper()}_URL is not set")
    database = connections[alias].settings_dict
    options = {key: value for key, value in database["OPTIONS"].items() if key != "pool"}
    parameters = {"cursor_factory": timed_cursor(alias), **options, **extra}
    connection_class: type[psycopg.Connection[Any]] = parameters.pop("connection_class", psycopg.Connection)
    return connection_class.connect(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        options="-c TimeZone=UTC",
        **parameters,
    )
