"""A write that takes too long ends, says so, changes nothing and holds nothing."""

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


def forget_writers() -> None:
    """End the writer's sessions, which began with the role's former settings."""
    wrapper = connections["writer"]
    wrapper.close()
    if isinstance(wrapper, DatabaseWrapper):
        wrapper.close_pool()


@pytest.fixture
def hasty(station: Station) -> Iterator[None]:
    """A role of writes whose statements may take 0.3 s."""
    name = role_name("writer")
    with station.admin() as connection:
        before = connection.execute(
            "SELECT setting FROM pg_roles, unnest(rolconfig) AS setting WHERE rolname = %s"
            " AND setting LIKE 'statement_timeout=%%'",
            (name,),
        ).fetchone()
        assert before is not None
        connection.execute(f"ALTER ROLE {name} SET statement_timeout = '300ms'")
        forget_writers()
        yield
        connection.execute(f"ALTER ROLE {name} SET statement_timeout = '{before[0].partition('=')[2]}'")
    forget_writers()


def test_a_write_that_takes_too_long_changes_nothing_and_holds_nothing(
    persons: AppliedDataset, station: Station, connect: Connect, hasty: None
) -> None:
    http = connect(GrantRequest("persons", may_write=True))
    body = {"person_id": str(uuid.uuid4()), "given_name": "A", "family_name": "B"}
    address = http.post(PATH, json.dumps(body), content_type=JSON)["Location"]
    with station.admin() as connection:
        connection.execute(SLOW)
        for answer in (
            http.patch(address, '{"country": "ES"}', content_type=JSON),
            http.put(address, json.dumps(body), content_type=JSON),
            http.delete(address),
        ):
            assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems#write-timeout")
            assert answer["Retry-After"] == "5"
        connection.execute("SET lock_timeout = '5s'; DROP FUNCTION data.slow() CASCADE")
    assert http.get(address)["ETag"] == '"1"'
    assert http.patch(address, '{"country": "ES"}', content_type=JSON).status_code == 200


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
def test_sessions_of_the_web_begin_with_bounds(station: Station, role: str, statement: str, idle: str) -> None:
    with station.connect(role) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == [(statement,), (idle,)]


def test_a_migration_gives_the_roles_that_stand_their_bounds(station: Station) -> None:
    name = role_name("writer")
    with station.admin() as admin, station.connect("owner") as owner:
        admin.execute(f"ALTER ROLE {name} RESET ALL")
        bound_roles(owner, timeouts_s=settings.ANDEN.timeouts_s())
        owner.commit()
    with station.connect("writer") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
