"""The SQL in the runbooks runs as the role `app`."""

import pytest

from tests.station import Station
from tests.unit.monitoring.alerts.test_runbooks import RUNBOOKS, fenced

QUERIES = sorted({query for runbook in RUNBOOKS for query in fenced(runbook, "sql")})


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_postgresql_accepts_the_query(query: str, station: Station) -> None:
    with station.connect("default") as connection:
        assert connection.execute(query).description
