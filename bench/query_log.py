"""Counts what a role sends to PostgreSQL, from the server's log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from bench.servers import Servers

ROLE: Final = "anden_ingest"
_STATEMENT: Final = re.compile(rf" {ROLE}@\S+ LOG:  (?:statement|execute [^:]*):\s+(\w+)")
_TRANSACTION: Final = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})


class QueryLog:
    """The statements of the role since the block began."""

    def __init__(self, servers: Servers) -> None:
        self._log = servers.postgres.log
        self._start = self._log.stat().st_size

    def queries(self) -> int:
        """How many queries the role has sent so far."""
        with self._log.open("rb") as file:
            file.seek(self._start)
            return count_queries(file.read().decode(errors="replace"))


def count_queries(log: str) -> int:
    """The role's statements in this text of the server's log, without those that begin and end transactions."""
    return sum(1 for match in _STATEMENT.finditer(log) if match[1].upper() not in _TRANSACTION)


@contextmanager
def query_log(servers: Servers) -> Iterator[QueryLog]:
    """Let the server log every statement of new sessions of the role."""
    with psycopg.connect(servers.postgres.admin_url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {ROLE} SET log_statement = 'all'")
        try:
            yield QueryLog(servers)
        finally:
            connection.execute(f"ALTER ROLE {ROLE} RESET log_statement")
