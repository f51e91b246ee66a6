"""The role of an exporter: it reads the server's statistics, and no table's rows."""

import psycopg
import pytest

from tests.integration.roles.conftest import ROLES, Place

MONITOR = "ANDEN_DATABASE_MONITOR_URL"


@pytest.fixture
def watched(place: Place) -> Place:
    """A place with this role."""
    place.passwords["monitor"] = "monitor-0123456789"
    place.changes[MONITOR] = place.url("monitor")
    return place


def test_the_monitor_role_reads_all_statements_and_no_rows(watched: Place) -> None:
    watched.ask(f"GRANT pg_monitor TO {watched.admin} WITH ADMIN OPTION")
    code, text = watched.ensure()
    assert code == 0, text
    assert f"{watched.name}_monitor " in text
    assert "pg_monitor granted" in text
    code, text = watched.run("migrate", "--no-input")
    assert code == 0, text
    with psycopg.connect(watched.url("app")) as other, psycopg.connect(watched.url("monitor")) as monitor:
        other.execute("SELECT 'of another'")
        statements = "SELECT query FROM pg_stat_activity WHERE usename = %s"
        assert ("SELECT 'of another'",) in monitor.execute(statements, (f"{watched.name}_app",)).fetchall()
        assert monitor.execute("SHOW statement_timeout").fetchone() == ("30s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            monitor.execute("SELECT count(*) FROM django_migrations")


def test_a_second_run_changes_nothing(watched: Place) -> None:
    watched.ask(f"GRANT pg_monitor TO {watched.admin} WITH ADMIN OPTION")
    assert watched.ensure()[0] == 0
    assert watched.run("migrate")[0] == 0
    code, text = watched.ensure()
    assert code == 0, text
    assert text.count("unchanged") >= len(ROLES) + 2, text


def test_an_administrator_who_may_not_grant_pg_monitor_only_gets_a_note(watched: Place) -> None:
    for _ in range(2):
        code, text = watched.ensure()
        assert code == 0, text
        assert f"without pg_monitor: {watched.admin} may not grant it" in text
    assert len(watched.roles()) == len(ROLES) + 1


def test_without_its_url_there_are_six_roles(place: Place) -> None:
    assert place.ensure()[0] == 0
    assert len(place.roles()) == len(ROLES)
