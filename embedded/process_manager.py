"""Runs the processes of `make run` under honcho: restarts, shutdown and log files."""

import ctypes
import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import honcho.manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

# Celery's threads need 4.5 s to stop, and a worker may be committing.
honcho.manager.KILL_WAIT = 20

_PR_SET_PDEATHSIG: Final = 1
_SEVERE: Final = re.compile(rb"\b(?:ERROR|CRITICAL|FATAL)\b")
_SHOWN_PER_PROCESS: Final = 3
_LEAST_LIFE_S: Final = 5.0
"""A process that exits sooner after its start is not restarted: it would exit again."""
_LONGEST_PAUSE_S: Final = 60.0
"""A process that ran this long restarts immediately; after shorter runs the pause doubles from 1 s up to this."""
_ASKED_TO_END: Final = (0, -signal.SIGTERM, -signal.SIGINT)


@dataclass(frozen=True)
class Program:
    """A process to run.

    If one with `may_exit` exits, the others continue; a failure is logged. One with `restarts` is restarted after a
    failure, as Kubernetes would, unless it failed right after its start.
    """

    name: str
    command: tuple[str, ...]
    may_exit: bool = False
    restarts: bool = False


class _ChildProcess(Process):  # type: ignore[misc]
    """honcho's process, started without a shell and killed when its parent dies."""

    may_exit = False
    restarts = False
    stopping: ctypes.c_bool
    """True once shutdown has begun: nothing starts from then on. It has no lock because a signal handler sets it."""

    def __init__(self, cmd: Sequence[str], **options: Any) -> None:
        super().__init__([*_parent_death_signal(), *cmd], **options)
        self._child_ctor = partial(Popen, shell=False, stdin=subprocess.DEVNULL, preexec_fn=_heed_signals)
        self._began_s = 0.0
        self._ended = False
        self._pause_s = 0.0

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run the program to its end, restarts included."""
        _end_with_parent()
        # Closing a terminal signals every process of its group, but the manager must end the others in order.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        while not self._ended:
            self._began_s = time.monotonic()
            super().run(events, ignore_signals)

    def _send_message(self, data: Any, type: str = "line") -> None:  # noqa: A002 - honcho's own
        if type == "start":
            super()._send_message(data, type=type)
            if self.stopping.value:  # stopped before its process id was known
                self._child.terminate()
            return
        if type == "stop":
            if self._starts_again(data["returncode"]) and self._paused():
                return
            self._ended = True
            # honcho stops everything at any exit, so it must not learn of an expected one.
            if self.may_exit:
                if data["returncode"] not in _ASKED_TO_END:
                    self._send_message(
                        f"ERROR exited with code {data['returncode']}; the other processes continue (see its log)\n"
                    )
                return
        super()._send_message(data, type=type)

    def _starts_again(self, code: int) -> bool:
        lived_s = time.monotonic() - self._began_s
        if not self.restarts or code in _ASKED_TO_END or lived_s < _LEAST_LIFE_S or self.stopping.value:
            return False
        if lived_s >= _LONGEST_PAUSE_S:
            self._pause_s = 0.0
        pause = f" in {self._pause_s:.0f} s" if self._pause_s else ""
        self._send_message(f"ERROR exited with code {code} after {lived_s:.0f} s; restarting{pause}\n")
        return True

    def _paused(self) -> bool:
        """Wait before the restart; False if shutdown began meanwhile."""
        until_s = time.monotonic() + self._pause_s
        self._pause_s = min(max(1.0, 2 * self._pause_s), _LONGEST_PAUSE_S)
        while time.monotonic() < until_s and not self.stopping.value:
            time.sleep(0.1)
        return not self.stopping.value


class ProcessManager(honcho.manager.Manager):  # type: ignore[misc]
    """Runs the processes until one exits or shutdown is requested."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        environment: Mapping[str, str],
        root: Path,
        logs: "LogFiles",
        on_started: Callable[[], None],
    ) -> None:
        super().__init__(printer=logs)
        self._process_ctor = _ChildProcess
        self._on_started = on_started
        self._asked_early = False
        self._stopping = multiprocessing.RawValue(ctypes.c_bool, False)
        self.first_exited: str | None = None
        for program in programs:
            process = self.add_process(program.name, program.command, env=dict(environment), cwd=str(root))
            process.may_exit, process.restarts = program.may_exit, program.restarts
            process.stopping = self._stopping

    def shut_down(self) -> None:
        """Stop all processes in order; `loop` then returns."""
        self.returncode = 0
        self.terminate()

    def terminate(self) -> None:
        """Send every process SIGTERM."""
        self._stopping.value = True
        super().terminate()

    def _start(self) -> None:
        super()._start()
        signal.signal(signal.SIGHUP, lambda *_: self.shut_down())
        # Only now: a thread that runs during a fork could leave the child a lock held for ever.
        threading.Thread(target=self._on_started, daemon=True).start()

    def _killall(self, force: bool = False) -> None:
        if self._all_started():
            super()._killall(force)
        else:
            # honcho does not know every process id yet: _any_stopped retries within 0.1 s.
            self._asked_early, self._terminating = True, False

    def _any_stopped(self) -> bool:
        if self._asked_early:
            self._asked_early = False
            self.terminate()
        stopped = [name for name, known in self._processes.items() if known.get("returncode") is not None]
        if stopped and not self._terminating:
            self.first_exited = stopped[0]
        return bool(stopped)

    def _all_stopped(self) -> bool:
        return all(
            known.get("returncode") is not None or not known["process"].is_alive()
            for known in self._processes.values()
        )


class LogFiles(Printer):  # type: ignore[misc]
    """Writes each process's output to its own file, and its first errors to the terminal, too.

    The manager's own messages (str; a process's output is bytes) always go to the terminal.
    """

    def __init__(self, folder: Path, print_line: Callable[[str], None]) -> None:
        super().__init__(sys.stdout)
        self._folder = folder
        self._print_line = print_line
        self._files: dict[str, IO[bytes]] = {}
        self._severe: Counter[str] = Counter()
        self._last: dict[str, bytes] = {}

    def path(self, name: str) -> Path:
        """This process's log file."""
        return self._folder / f"{name}.log"

    def last_output(self, name: str) -> str:
        """The last non-empty line of this process since its last start."""
        return self._last.get(name, b"").decode(errors="replace").strip()

    def write(self, message: Message) -> None:
        """Append one message to its process's log file."""
        own = isinstance(message.data, str)
        data = message.data.encode() if own else message.data
        name = message.name or "system"
        if name not in self._files:
            self._files[name] = self.path(name).open("ab", buffering=0)
        self._files[name].write(data)
        if own or data.strip():
            self._last[name] = b"" if own else data
        if not _SEVERE.search(data):
            return
        if own:
            self._print_line(f"{name}: {data.decode().strip()}")
        else:
            self._severe[name] += 1
            if self._severe[name] <= _SHOWN_PER_PROCESS:
                self._print_line(f"{name}: {data.decode(errors='replace').strip()}")
            if self._severe[name] == _SHOWN_PER_PROCESS:
                self._print_line(f"{name}: see {self.path(name)} for further errors")

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def _parent_death_signal() -> list[str]:
    """A command prefix that makes Linux kill the command when its parent dies.

    SIGKILL, not SIGTERM: PostgreSQL and Kafka stop at the same moment, and an orderly shutdown could wait for them for
    ever. A kill loses no record.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _heed_signals() -> None:
    """Restore the signal handlers: a restarted program would inherit honcho's child, which ignores them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _end_with_parent() -> None:
    """Make Linux kill this process when its parent dies: honcho's child ignores every other signal."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
