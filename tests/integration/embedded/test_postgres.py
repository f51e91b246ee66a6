import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
import pytest

from embedded import postgres
from embedded.errors import FolderInUse, StartFailed
from embedded.ports import LOOPBACK
from embedded.postgres import EmbeddedPostgres
from embedded.unprivileged import UNPRIVILEGED_USER, fallback_folder, launch_as_other_user


def test_the_owner_owns_the_database_and_may_create_roles(postgres_server: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres_server.urls()["ANDEN_DATABASE_OWNER_URL"]) as connection:
        row = connection.execute(
            "SELECT current_user, r.rolcreaterole, r.rolsuper, d.datdba = r.oid,"
            " current_setting('server_version_num')::int / 10000"
            " FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = 'anden'"
        ).fetchone()
    assert row == ("anden_owner", True, False, True, 18)


def test_each_of_the_six_roles_has_a_url(postgres_server: EmbeddedPostgres) -> None:
    urls = postgres_server.urls()
    assert sorted(urls) == [
        f"ANDEN_DATABASE_{role}_URL" for role in ("ANALYST", "APP", "INGEST", "OWNER", "READER", "WRITER")
    ]
    assert len(set(urls.values())) == 6


def test_a_wrong_password_is_refused(postgres_server: EmbeddedPostgres) -> None:
    url = f"postgresql://postgres:wrong@{LOOPBACK}:{postgres_server.port}/postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_passwords_are_readable_by_their_owner_only(postgres_server: EmbeddedPostgres) -> None:
    mode = (postgres_server.folder / "passwords.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_rows_survive_a_kill_and_a_busy_port_is_replaced(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as busy:
        taken = busy.getsockname()[1]
        with EmbeddedPostgres(tmp_path / "pg", taken) as server:
            assert server.port != taken
            owner = server.urls()["ANDEN_DATABASE_OWNER_URL"]
            with psycopg.connect(owner) as connection:
                connection.execute("CREATE TABLE t AS SELECT 7 AS n")
            server.kill()
            assert not server.running
            server.start()
            # The same URL: the port did not change.
            with psycopg.connect(owner) as connection:
                assert connection.execute("SELECT n FROM t").fetchone() == (7,)
                # Durable unless `quick`.
                assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_second_server_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, quick=True), pytest.raises(FolderInUse, match="already runs in"):
        EmbeddedPostgres(tmp_path, quick=True).start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_the_server_exits_with_a_killed_parent_and_the_folder_can_be_reused(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from embedded.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]), quick=True); server.start()\n"
        "print(server.admin_url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        psycopg.connect(url).close()
        os.kill(parent.pid, signal.SIGKILL)
    for _ in range(200):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the server outlived its parent by 10 s")
    with EmbeddedPostgres(tmp_path, quick=True) as server, psycopg.connect(server.admin_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'anden'").fetchone()
        assert found == (1,)


def _numbers(server: EmbeddedPostgres) -> list[tuple[int]]:
    with psycopg.connect(server.urls()["ANDEN_DATABASE_OWNER_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (n integer)")
        return connection.execute("SELECT n FROM t").fetchall()


def _add_seven(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.urls()["ANDEN_DATABASE_OWNER_URL"]) as connection:
        connection.execute("INSERT INTO t VALUES (7)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
@pytest.mark.parametrize("mode", [0o700, 0o711])
def test_root_without_namespaces_runs_it_as_the_unprivileged_user_and_changes_no_mode(
    monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setattr(postgres, "unprivileged_launch", launch_as_other_user)
    # Not tmp_path, which other users cannot reach.
    with TemporaryDirectory() as folder:
        above = Path(folder)
        above.chmod(mode)
        server = EmbeddedPostgres(above / "pg", quick=True)
        fallback = fallback_folder(server.folder / "data")
        try:
            with server:
                assert psutil.Process(server.pid).uids().effective == pwd.getpwnam(UNPRIVILEGED_USER).pw_uid
                assert _numbers(server) == []
                _add_seven(server)
            with server:
                assert _numbers(server) == [(7,)]
            assert fallback.exists() == (mode == 0o700)
            assert stat.S_IMODE(above.stat().st_mode) == mode
            if fallback.exists():
                # The folder is gone, and the passwords with it: data elsewhere is useless.
                shutil.rmtree(server.folder)
                with EmbeddedPostgres(server.folder, quick=True) as fresh:
                    assert _numbers(fresh) == []
        finally:
            shutil.rmtree(fallback, ignore_errors=True)


def test_data_without_its_passwords_is_kept_and_the_error_gives_the_reason(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, quick=True):
        pass
    (tmp_path / "passwords.json").unlink()
    with pytest.raises(StartFailed, match=r"passwords\.json is gone"):
        EmbeddedPostgres(tmp_path, quick=True).start()
    assert (tmp_path / "data" / "PG_VERSION").exists()
