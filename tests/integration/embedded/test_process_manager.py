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


class _Alone:
    """A crew in this process, with honcho's signal handlers undone at the end."""

    def __init__(self, folder: Path, *programs: Program) -> None:
        self.said: list[str] = []
        self.logs = LogFiles(folder, self.said.append)
        self.watch: Callable[[], None] = lambda: None
        self.crew = ProcessManager(
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
            self.crew.loop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.logs.close()
            self.crew.events.close()
            self.crew.events.join_thread()


def _until(true: Callable[[], bool]) -> None:
    """Return when it is true, fail when it is not within 20 s."""
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


def test_a_process_that_ends_by_itself_ends_all_others_and_is_named(tmp_path: Path) -> None:
    alone = _Alone(tmp_path, _SLEEPER, _python("web", "print('no port'); raise SystemExit(3)"))
    alone.run()
    assert alone.crew.first_exited == "web"
    assert alone.crew.returncode == 3
    assert alone.logs.path("web").read_text() == "no port\n"
    assert alone.crew._processes["sleeper"]["returncode"] == -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('all sent')", "all sent\n"),
        (
            "raise SystemExit('not mine')",
            "not mine\nERROR ended with code 1; the others go on without it, its log says why\n",
        ),
    ],
)
def test_the_end_of_a_process_that_may_end_stops_nobody_and_a_bad_one_is_told(
    tmp_path: Path, code: str, said: str
) -> None:
    alone = _Alone(tmp_path, _SLEEPER, _python("demo", code, may_exit=True))
    alive: list[bool] = []

    def leave_after_the_demo() -> None:
        try:
            _until(lambda: not alone.crew._processes["demo"]["process"].is_alive())
            time.sleep(0.5)
            alive.append("returncode" not in alone.crew._processes["sleeper"])
        finally:
            alone.crew.shut_down()

    alone.watch = leave_after_the_demo
    alone.run()
    assert alive == [True]
    assert alone.crew.first_exited is None
    assert alone.crew.returncode == 0
    assert alone.logs.path("demo").read_text() == said


_COUNTS = "import os, time; print(os.getpid()); time.sleep(600)"


def _pids(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines() if line.isdigit()] if log.exists() else []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_returns_is_started_again_and_asked_to_leave_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("embedded.process_manager._LEAST_LIFE_S", 0.0)
    alone = _Alone(tmp_path, _SLEEPER, _python("ingest", _COUNTS, restarts=True))
    log = alone.logs.path("ingest")

    def kill_it_twice() -> None:
        try:
            for lives in (1, 2):
                _until(lambda lives=lives: len(_pids(log)) == lives)  # type: ignore[misc]
                os.kill(_pids(log)[-1], number)
            _until(lambda: len(_pids(log)) == 3)
        finally:
            alone.crew.shut_down()

    alone.watch = kill_it_twice
    alone.run()
    assert len(_pids(log)) == 3
    assert alone.crew.first_exited is None
    assert alone.crew._processes["ingest"]["returncode"] == -signal.SIGTERM
    line = f"ingest: ERROR ended by itself with code -{number.value} after 0 s, and is started again"
    assert [said for said in alone.said if "is started again" in said] == [line, f"{line} in 1 s"]


def test_what_ends_again_and_again_is_started_ever_later_and_said_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.process_manager._LEAST_LIFE_S", 0.0)
    monkeypatch.setattr("embedded.process_manager._LONGEST_PAUSE_S", 1.5)
    code = "[print('x ERROR number', n) for n in range(9)]; raise SystemExit(7)"
    alone = _Alone(tmp_path, _SLEEPER, _python("ingest", code, restarts=True))

    def returns() -> list[str]:
        return [said.split("after 0 s, ")[1] for said in alone.said if "is started again" in said]

    def leave_in_the_fourth_pause() -> None:
        try:
            _until(lambda: len(returns()) == 4)
        finally:
            alone.crew.shut_down()

    alone.watch = leave_in_the_fourth_pause
    alone.run()
    again = "and is started again"
    assert returns() == [again, f"{again} in 1 s", f"{again} in 2 s", f"{again} in 2 s"]
    assert alone.logs.path("ingest").read_text().count("x ERROR") == 4 * 9
    assert alone.crew.first_exited is None
    assert alone.crew.returncode == 0


def test_a_process_that_returns_and_ends_at_once_ends_all(tmp_path: Path) -> None:
    alone = _Alone(tmp_path, _SLEEPER, _python("ingest", "raise SystemExit('no setting')", restarts=True))
    alone.run()
    assert alone.crew.first_exited == "ingest"


def test_an_end_that_was_asked_for_before_all_have_started_is_not_forgotten(tmp_path: Path) -> None:
    alone = _Alone(tmp_path, _SLEEPER)
    alone.watch = alone.crew.leave
    alone.run()
    assert alone.crew.returncode == 0
    assert alone.crew.first_exited is None


def test_severe_lines_reach_the_terminal_but_not_all_of_them(tmp_path: Path) -> None:
    code = "print('INFO calm'); [print('x ERROR number', n) for n in range(50)]"
    alone = _Alone(tmp_path, _python("noisy", code))
    alone.run()
    shown = [line for line in alone.said if line.startswith("noisy: x ERROR")]
    assert shown == [f"noisy: x ERROR number {n}" for n in range(3)]
    assert len(alone.logs.path("noisy").read_text().splitlines()) == 51


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
crew = ProcessManager([sleeper], environment=dict(os.environ), root=folder, logs=logs, on_started=lambda: None)
crew.loop()
sys.exit(crew.returncode)
"""


def test_a_terminal_that_is_closed_ends_all_processes_in_order(tmp_path: Path) -> None:
    log = tmp_path / "sleeper.log"
    command = [sys.executable, "-c", _STATION, str(tmp_path)]
    with subprocess.Popen(command, cwd=_REPO, start_new_session=True) as station:
        _until(lambda: log.exists() and log.read_text().strip().isdigit())
        os.killpg(station.pid, signal.SIGHUP)
        assert station.wait(20) == 0
    assert log.read_text().splitlines()[1:] == ["left in order"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_station_leaves_none_of_its_processes(tmp_path: Path) -> None:
    log = tmp_path / "sleeper.log"
    with subprocess.Popen([sys.executable, "-c", _STATION, str(tmp_path)], cwd=_REPO) as station:
        _until(lambda: log.exists() and log.read_text().strip().isdigit())
        children = psutil.Process(station.pid).children(recursive=True)
        assert int(log.read_text()) in {child.pid for child in children}
        station.kill()
    _until(lambda: all(_gone(child.pid) for child in children))
