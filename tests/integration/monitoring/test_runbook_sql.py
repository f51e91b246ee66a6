"""The SQL of the runbooks runs, as the role `app` would type it."""

import pytest

from tests.station import Station
from tests.unit.monitoring.alerts.test_runbooks import RUNBOOKS, fenced

QUERIES = sorted({query for page in RUNBOOKS for query in fenced(page, "sql")})


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_postgresql_takes_it(query: str, station: Station) -> None:
    with station.connect("default") as connection:
        assert connection.execute(query).description
