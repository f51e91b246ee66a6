"""Django's PostgreSQL backend with timed cursors; Django requires this module name."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import register_tzloader

from apps.telemetry.postgresql.cursors import timed
from apps.telemetry.postgresql.timer import operation_timer


def _connect(*, connection_class: type[psycopg.Connection[Any]] = psycopg.Connection, **params: Any) -> Any:
    return connection_class.connect(**params)


class DatabaseWrapper(base.DatabaseWrapper):
    """Every cursor of this alias, pooled or not, observes its operations.

    Unpooled, the option `connection_class` replaces psycopg's class of connections.
    """

    # Django takes the driver's errors from here, too.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": _connect})  # type: ignore[assignment] # no module

    def get_connection_params(self) -> dict[str, Any]:
        """Django's parameters with a timed cursor class."""
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = timed(params["cursor_factory"], self.alias)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """Django's cursor; a server-side one is created here, because Django hard-codes its class."""
        if not name:
            return super().create_cursor()
        server_binding = self.settings_dict["OPTIONS"].get("server_side_binding") is True
        kind: Any = psycopg.ServerCursor if server_binding else base.ServerSideCursor
        # Outside a transaction only a holdable cursor survives its statement.
        cursor = timed(kind, self.alias)(self.connection, name, scrollable=False, withhold=self.connection.autocommit)
        register_tzloader(self.timezone, cursor)
        return cursor

    def _commit(self) -> None:
        """Commit; the wait for the WAL flush counts as database time."""
        operation_timer(self.alias).call("other", super()._commit)  # type: ignore[misc] # the stubs leave it out
