import os
import re
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import django
import pytest
from honcho.printer import Message

from embedded.environment import StationFolder, station_environment, stored_secret
from embedded.errors import FolderInUse, SetupFailed
from embedded.preparation import Preparation
from embedded.process_manager import LogFiles
from embedded.station import _exclusive_run, _fresh_folders, _run_seconds, exit_report, programs


def test_a_secret_is_generated_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = stored_secret(path, length=48)
    assert stored_secret(path, length=48) == made
    assert len(made) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    urls = {"ANDEN_DATABASE_OWNER_URL": "postgresql://o"}
    first, second = (
        station_environment(StationFolder(tmp_path), database_urls=urls, bootstrap="127.0.0.1:1") for _ in "12"
    )
    assert first == second
    assert first["ANDEN_DATABASE_OWNER_URL"] == "postgresql://o"
    assert first["ANDEN_KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:1"
    assert first["ANDEN_DEBUG"] == "false"


def test_a_second_instance_in_the_same_folder_is_refused_and_the_error_names_the_first(tmp_path: Path) -> None:
    with _exclusive_run(tmp_path) as note:
        with pytest.raises(FolderInUse, match="still starting"), _exclusive_run(tmp_path):
            pass
        note.write_text("pid 7, http://127.0.0.1:8000/\n")
        with pytest.raises(FolderInUse, match=r"pid 7, http://127.0.0.1:8000/"), _exclusive_run(tmp_path):
            pass
    with _exclusive_run(tmp_path):
        assert not note.exists()


def test_the_logs_of_the_last_run_are_kept_and_old_metrics_are_not(tmp_path: Path) -> None:
    folder = StationFolder(tmp_path)
    _fresh_folders(folder)
    (folder.logs / "web.log").write_text("why it fell")
    (folder.metrics / "counter_0.db").write_text("old")
    folder.fleet.mkdir()
    (folder.fleet / "simulated-20260301T14.npz").write_text("another day")
    _fresh_folders(folder)
    assert list(folder.logs.iterdir()) == list(folder.metrics.iterdir()) == []
    assert not folder.fleet.exists(), "the evaluation waits for the new one"
    assert (tmp_path / "logs.before" / "web.log").read_text() == "why it fell"


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_an_invalid_number_of_seconds_is_refused_by_name(text: str) -> None:
    with pytest.raises(SetupFailed, match="ANDEN_RUN_SECONDS"):
        _run_seconds(text)


def test_the_run_is_unlimited_without_a_number_of_seconds() -> None:
    assert _run_seconds("") is None
    assert _run_seconds("1.5") == 1.5


def test_a_failed_step_is_reported_in_one_line_with_its_log(tmp_path: Path) -> None:
    folder = StationFolder(tmp_path)
    _fresh_folders(folder)
    environment = {"ANDEN_SECRET_KEY": "short", "DJANGO_SETTINGS_MODULE": "config.settings"}
    with pytest.raises(SetupFailed) as failure:
        Preparation(folder, environment).manage([["migrate", "--no-input"]])
    message = str(failure.value)
    assert message.startswith("manage.py migrate failed: ")
    assert "setup.log" in message
    assert "\n" not in message
    assert "$ manage.py migrate" in (folder.logs / "setup.log").read_text()


ENVIRONMENT = {
    "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
    "ANDEN_DATABASE_APP_URL": "postgresql://unused@127.0.0.1:9/unused",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}


def test_commands_are_run_in_order_until_one_fails(tmp_path: Path) -> None:
    folder = StationFolder(tmp_path)
    _fresh_folders(folder)
    station = Preparation(folder, ENVIRONMENT)
    assert station.manage([["version"], ["lag", "--help"]])[0] == f"{django.__version__}\n"
    with pytest.raises(SetupFailed, match=r"^manage.py nonsense failed: Type 'manage.py help' for usage"):
        station.manage([["version"], ["nonsense"], ["check"]])
    log = (folder.logs / "setup.log").read_text()
    assert re.findall(r"^\$ manage.py (\w+)", log, re.MULTILINE) == ["version", "lag", "version", "nonsense"]
    assert "usage: manage.py lag" in log
    assert "Unknown command: 'nonsense'" in log


def test_a_killed_command_is_distinguished_from_one_that_fails(tmp_path: Path) -> None:
    folder = StationFolder(tmp_path)
    _fresh_folders(folder)
    killer = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    (tmp_path / "sitecustomize.py").write_text(killer)
    with pytest.raises(SetupFailed, match=r"^manage.py version was killed"):
        Preparation(folder, {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}).manage([["version"]])


def test_only_the_demo_may_exit() -> None:
    assert [program.name for program in programs(8000, Path("probe-key")) if program.may_exit] == ["demo"]


def test_an_invalid_variable_fails_with_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "embedded.station"],
        env={**os.environ, "ANDEN_RUN_SECONDS": "soon"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 1
    assert done.stderr == "make run: ANDEN_RUN_SECONDS must be a number of seconds above 0\n"


RESTART = "ERROR exited with code -9 after 28 s; restarting in 1 s\n"


@pytest.mark.parametrize(
    ("lines", "report"),
    [
        ([b"starting\n", b"ANDEN_WEB_THREADS is wrong\n", b"\n"], "(code -9): ANDEN_WEB_THREADS is wrong"),
        ([b"reading\n", RESTART], "(code -9, no output)"),
        ([b"reading\n", RESTART, b"no database\n"], "(code -9): no database"),
        ([], "(code -9, no output)"),
    ],
)
def test_the_exit_report_quotes_the_last_output_since_the_last_start(
    tmp_path: Path, lines: list[bytes | str], report: str
) -> None:
    with closing(LogFiles(tmp_path, lambda _: None)) as logs:
        for line in lines:
            logs.write(Message("line", line, None, "ingest", None))
        assert exit_report("ingest", -9, logs).startswith(f"ingest exited unexpectedly {report} (log: ")
