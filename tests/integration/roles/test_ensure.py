"""`manage.py roles ensure`, as an administrator without superuser rights, from nothing to a migrated database."""

import signal
import subprocess
import time

import psycopg
import pytest

from tests.integration.roles.conftest import ROLES, ROOT, Place


def test_ensure_creates_everything_for_migrate_and_a_second_run_changes_nothing(place: Place) -> None:
    code, text = place.run("bootstrap")
    assert code == 0, text
    assert len(text.splitlines()) == len(ROLES) + 2
    assert text.count("created, password set") == len(ROLES)
    assert f"created, owner {place.name}_owner" in text
    code, text = place.run("migrate", "--no-input")
    assert code == 0, text
    code, text = place.run("bootstrap")
    assert code == 0, text
    assert text.count("unchanged") >= len(ROLES) + 1, text
    assert "set" not in text


def test_roles_have_no_server_privileges_and_the_administrator_does_not_own_the_database(place: Place) -> None:
    assert place.ensure()[0] == 0
    rows = place.ask(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin"
        " AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)",
        place.roles(),
    )
    assert rows == [(len(ROLES),)]
    # The membership needed to hand over the database is revoked.
    assert place.ask("SELECT pg_has_role(%s, %s, 'SET')", place.admin, f"{place.name}_owner") == [(False,)]
    for role in ("reader", "analyst"):
        with psycopg.connect(place.url(role)) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("CREATE TABLE t ()")


def test_existing_roles_get_their_session_limits(place: Place) -> None:
    assert place.ensure()[0] == 0
    for role in ("writer", "app"):
        place.ask(f"ALTER ROLE {place.name}_{role} RESET ALL")
    place.changes["ANDEN_WRITER_TIMEOUT_S"] = "7"
    code, text = place.ensure()
    assert code == 0, text
    for role, timeout in (("writer", "7s"), ("app", "5min"), ("ingest", "0"), ("owner", "0")):
        with psycopg.connect(place.url(role)) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == (timeout,)
            idle = "0" if timeout == "0" else "1min"
            assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == (idle,)


def test_passwords_are_neither_printed_nor_logged_by_the_server(place: Place) -> None:
    start = place.server.log.stat().st_size
    output = place.run("bootstrap")[1]
    place.passwords["app"] = "another-password-of-app"
    output += place.run("bootstrap")[1]
    log = place.server.log.read_text()[start:]
    assert "ALTER ROLE" in log, "the server logs no statements: nothing is shown"
    assert "SCRAM-SHA-256$" in log
    for password in (*place.passwords.values(), "administrator@"):
        assert password not in output + log


def test_a_new_password_replaces_the_old_one_and_open_sessions_survive(place: Place) -> None:
    assert place.ensure()[0] == 0
    old = place.url("writer")
    with psycopg.connect(old) as session:
        place.passwords["writer"] = "a-new-password-of-writer"
        code, text = place.ensure()
        assert code == 0, text
        changed = [line for line in text.splitlines() if "password set" in line]
        assert len(changed) == 1
        assert changed[0].startswith(f"{place.name}_writer ")
        assert session.execute("SELECT 1").fetchone() == (1,)
        psycopg.connect(place.url("writer")).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(old)


def test_concurrent_runs_wait_for_each_other(place: Place) -> None:
    runs = [
        subprocess.Popen(
            [ROOT / "platform/entrypoint", "bootstrap"],
            env=place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    output = sorted(run.communicate(timeout=120)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0], output
    assert sum(text.count("created, password set") for text in output) == len(ROLES)


def test_a_killed_run_leaves_all_roles_or_none_and_the_next_completes(place: Place) -> None:
    # Another session's lock on the catalog stops the run in the middle of its transaction.
    with psycopg.connect(place.server.admin_url) as holder:
        holder.execute("LOCK TABLE pg_db_role_setting IN SHARE MODE")
        run = subprocess.Popen([ROOT / "platform/entrypoint", "bootstrap"], env=place.environment())
        waits = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
        deadline = time.monotonic() + 60
        while place.ask(waits, place.admin) == [(0,)]:
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        place.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", place.admin)
    assert place.roles() == []
    code, text = place.run("bootstrap")
    assert code == 0, text
    assert len(place.roles()) == len(ROLES)


def test_a_membership_left_by_a_killed_run_is_revoked(place: Place) -> None:
    assert place.ensure()[0] == 0
    place.ask(f"DROP DATABASE {place.name}")
    place.ask(f"GRANT {place.name}_owner TO {place.admin} WITH INHERIT FALSE, SET TRUE GRANTED BY {place.admin}")
    code, text = place.ensure()
    assert code == 0, text
    assert "created, owner" in text
    assert place.ask("SELECT pg_has_role(%s, %s, 'SET')", place.admin, f"{place.name}_owner") == [(False,)]


def test_a_database_that_rds_created_for_the_administrator_gets_the_owner(place: Place) -> None:
    place.ask(f"CREATE DATABASE {place.name} OWNER {place.admin}")
    code, text = place.ensure()
    assert code == 0, text
    assert f"owner changed to {place.name}_owner" in text
    code, text = place.run("migrate", "--no-input")
    assert code == 0, text


def test_a_superuser_may_run_it_too(place: Place) -> None:
    place.changes["ANDEN_DATABASE_ADMIN_URL"] = place.server.admin_url
    for wanted in ("created, owner", "unchanged, owner"):
        code, text = place.ensure()
        assert code == 0, text
        assert wanted in text
