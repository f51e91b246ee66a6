"""A write that takes too long fails, changes nothing and holds no lock."""

import json
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections

from apps.api.clients.services import GrantRequest
from apps.datasets.adapters.database.roles import bound_roles, role_name
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.telemetry.postgresql.base import DatabaseWrapper
from tests.integration.api.conftest import Connect
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"
JSON = "application/json"
SLOW = """
CREATE FUNCTION data.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
CREATE TRIGGER slow BEFORE UPDATE ON data.persons FOR EACH ROW EXECUTE FUNCTION data.slow();
GRANT EXECUTE ON FUNCTION data.slow() TO public;
"""


def close_writer_sessions() -> None:
    """Close the writer's sessions, which still have the role's previous settings."""
    wrapper = connections["writer"]
    wrapper.close()
    if isinstance(wrapper, DatabaseWrapper):
        wrapper.close_pool()


@pytest.fixture
def short_timeout(station: Station) -> Iterator[None]:
    """The writer role with a statement timeout of 0.3 s."""
    name = role_name("writer")
    with station.admin() as connection:
        before = connection.execute(
            "SELECT setting FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = %s"
            " AND setting LIKE 'statement_timeout=%%'",
            (name,),
        ).fetchone()
        assert before is not None
        connection.execute(f"ALTER ROLE {name} SET statement_timeout = '300ms'")
        close_writer_sessions()
        yield
        connection.execute(f"ALTER ROLE {name} SET statement_timeout = '{before[0].partition('=')[2]}'")
    close_writer_sessions()


def test_a_write_that_times_out_changes_nothing_and_holds_no_lock(
    persons: AppliedDataset, station: Station, connect: Connect, short_timeout: None
) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    url = http.post(PATH, json.dumps(body), content_type=JSON)["Location"]
    with station.admin() as connection:
        connection.execute(SLOW)
        for response in (
            http.patch(url, '{"country": "ES"}', content_type=JSON),
            http.put(url, json.dumps(body), content_type=JSON),
            http.delete(url),
        ):
            assert (response.status_code, response.json()["type"]) == (503, "/api/problems#write-timeout")
            assert response["Retry-After"] == "5"
        connection.execute("SET lock_timeout = '5s'; DROP FUNCTION data.slow() CASCADE")
    assert http.get(url)["ETag"] == '"1"'
    assert http.patch(url, '{"country": "ES"}', content_type=JSON).status_code == 200


@pytest.mark.parametrize(
    ("role", "statement", "idle"),
    [
        ("reader", "30s", "1min"),
        ("writer", "30s", "1min"),
        ("default", "5min", "1min"),
        ("ingest", "0", "0"),
        ("owner", "0", "0"),
    ],
)
def test_the_webs_sessions_start_with_timeouts(station: Station, role: str, statement: str, idle: str) -> None:
    with station.connect(role) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == [(statement,), (idle,)]


def test_a_migration_sets_the_timeouts_of_existing_roles(station: Station) -> None:
    name = role_name("writer")
    with station.admin() as admin, station.connect("owner") as owner:
        admin.execute(f"ALTER ROLE {name} RESET ALL")
        bound_roles(owner, timeouts_s=settings.ANDEN.timeouts_s())
        owner.commit()
    with station.connect("writer") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
