import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from embedded.process_manager import LogFiles, ProcessManager, Program

_REPO = Path(__file__).parents[3]


def _python(name: str, code: str, *, may_exit: bool = False, restarts: bool = False) -> Program:
    return Program(name, (sys.executable, "-u", "-c", code), may_exit, restarts)


_SLEEPER = _python("sleeper", "import time; print('asleep'); time.sleep(600)")


class _Run:
    """A process manager in this process; honcho's signal handlers are restored at the end."""

    def __init__(self, folder: Path, *programs: Program) -> None:
        self.printed: list[str] = []
        self.logs = LogFiles(folder, self.printed.append)
        self.watch: Callable[[], None] = lambda: None
        self.manager = ProcessManager(
            programs,
            environment=dict(os.environ),
            root=folder,
            logs=self.logs,
            on_started=self._on_started,
        )

    def _on_started(self) -> None:
        self.watch()

    def run(self) -> None:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            self.manager.loop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.logs.close()
            self.manager.events.close()
            self.manager.events.join_thread()


def _until(true: Callable[[], bool]) -> None:
    """Return once it is true; fail after 20 s."""
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not become true within 20 s")


def _gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_an_unexpected_exit_stops_all_others_and_is_named(tmp_path: Path) -> None:
    run = _Run(tmp_path, _SLEEPER, _python("web", "print('no port'); raise SystemExit(3)"))
    run.run()
    assert run.manager.first_exited == "web"
    assert run.manager.returncode == 3
    assert run.logs.path("web").read_text() == "no port\n"
    assert run.manager._processes["sleeper"]["returncode"] == -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "log"),
    [
        ("print('all sent')", "all sent\n"),
        (
            "raise SystemExit('not mine')",
            "not mine\nERROR exited with code 1; the other processes continue (see its log)\n",
        ),
    ],
)
def test_the_exit_of_an_optional_process_stops_no_other_and_a_failure_is_logged(
    tmp_path: Path, code: str, log: str
) -> None:
    run = _Run(tmp_path, _SLEEPER, _python("demo", code, may_exit=True))
    alive: list[bool] = []

    def stop_after_the_demo() -> None:
        try:
            _until(lambda: not run.manager._processes["demo"]["process"].is_alive())
            time.sleep(0.5)
            alive.append("returncode" not in run.manager._processes["sleeper"])
        finally:
            run.manager.shut_down()

    run.watch = stop_after_the_demo
    run.run()
    assert alive == [True]
    assert run.manager.first_exited is None
    assert run.manager.returncode == 0
    assert run.logs.path("demo").read_text() == log


_COUNTS = "import os, time; print(os.getpid()); time.sleep(600)"


def _pids(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines() if line.isdigit()] if log.exists() else []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_with_restarts_is_restarted_and_stopped_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("embedded.process_manager._LEAST_LIFE_S", 0.0)
    run = _Run(tmp_path, _SLEEPER, _python("ingest", _COUNTS, restarts=True))
    log = run.logs.path("ingest")

    def kill_it_twice() -> None:
        try:
            for starts in (1, 2):
                _until(lambda starts=starts: len(_pids(log)) == starts)  # type: ignore[misc]
                os.kill(_pids(log)[-1], number)
            _until(lambda: len(_pids(log)) == 3)
        finally:
            run.manager.shut_down()

    run.watch = kill_it_twice
    run.run()
    assert len(_pids(log)) == 3
    assert run.manager.first_exited is None
    assert run.manager._processes["ingest"]["returncode"] == -signal.SIGTERM
    line = f"ingest: ERROR exited with code -{number.value} after 0 s; restarting"
    assert [text for text in run.printed if "restarting" in text] == [line, f"{line} in 1 s"]


def test_a_process_that_keeps_failing_is_restarted_after_growing_pauses_and_logged_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.process_manager._LEAST_LIFE_S", 0.0)
    monkeypatch.setattr("embedded.process_manager._LONGEST_PAUSE_S", 1.5)
    code = "[print('x ERROR number', n) for n in range(9)]; raise SystemExit(7)"
    run = _Run(tmp_path, _SLEEPER, _python("ingest", code, restarts=True))

    def restarts() -> list[str]:
        return [text.split("after 0 s; ")[1] for text in run.printed if "restarting" in text]

    def stop_in_the_fourth_pause() -> None:
        try:
            _until(lambda: len(restarts()) == 4)
        finally:
            run.manager.shut_down()

    run.watch = stop_in_the_fourth_pause
    run.run()
    assert restarts() == ["restarting", "restarting in 1 s", "restarting in 2 s", "restarting in 2 s"]
    assert run.logs.path("ingest").read_text().count("x ERROR") == 4 * 9
    assert run.manager.first_exited is None
    assert run.manager.returncode == 0


def test_a_process_with_restarts_that_exits_immediately_stops_all(tmp_path: Path) -> None:
    run = _Run(tmp_path, _SLEEPER, _python("ingest", "raise SystemExit('no setting')", restarts=True))
    run.run()
    assert run.manager.first_exited == "ingest"


def test_a_shutdown_requested_before_all_have_started_is_kept(tmp_path: Path) -> None:
    run = _Run(tmp_path, _SLEEPER)
    run.watch = run.manager.shut_down
    run.run()
    assert run.manager.returncode == 0
    assert run.manager.first_exited is None


def test_only_the_first_errors_reach_the_terminal(tmp_path: Path) -> None:
    code = "print('INFO calm'); [print('x ERROR number', n) for n in range(50)]"
    run = _Run(tmp_path, _python("noisy", code))
    run.run()
    shown = [line for line in run.printed if line.startswith("noisy: x ERROR")]
    assert shown == [f"noisy: x ERROR number {n}" for n in range(3)]
    assert len(run.logs.path("noisy").read_text().splitlines()) == 51


_STATION = """
import os, sys
from pathlib import Path
from embedded.process_manager import *

folder = Path(sys.argv[1])
program = '''
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (print("left in order"), os._exit(0)))
print(os.getpid())
time.sleep(600)
'''
sleeper = Program("sleeper", (sys.executable, "-uc", program))
logs = LogFiles(folder, print)
manager = ProcessManager([sleeper], environment=dict(os.environ), root=folder, logs=logs, on_started=lambda: None)
manager.loop()
sys.exit(manager.returncode)
"""


def test_a_closed_terminal_stops_all_processes_in_order(tmp_path: Path) -> None:
    log = tmp_path / "sleeper.log"
    command = [sys.executable, "-c", _STATION, str(tmp_path)]
    with subprocess.Popen(command, cwd=_REPO, start_new_session=True) as station:
        _until(lambda: log.exists() and log.read_text().strip().isdigit())
        os.killpg(station.pid, signal.SIGHUP)
        assert station.wait(20) == 0
    assert log.read_text().splitlines()[1:] == ["left in order"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_a_killed_manager_leaves_none_of_its_processes(tmp_path: Path) -> None:
    log = tmp_path / "sleeper.log"
    with subprocess.Popen([sys.executable, "-c", _STATION, str(tmp_path)], cwd=_REPO) as station:
        _until(lambda: log.exists() and log.read_text().strip().isdigit())
        children = psutil.Process(station.pid).children(recursive=True)
        assert int(log.read_text()) in {child.pid for child in children}
        station.kill()
    _until(lambda: all(_gone(child.pid) for child in children))
