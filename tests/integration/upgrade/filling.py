"""A row in every table of a release's database, whatever the release itself wrote."""

from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from tests.integration.upgrade.installation import Installation

STATEMENTS: Final = Path(__file__).with_name("filling.sql")


def fill(there: Installation) -> None:
    """Run filling.sql, without statements for tables that this release lacks."""
    lines = [line for line in STATEMENTS.read_text().splitlines() if line and not line.startswith("--")]
    with psycopg.connect(there.url) as connection:
        for line in lines:
            try:
                with connection.transaction():
                    connection.execute(sql.SQL(line))
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                continue
