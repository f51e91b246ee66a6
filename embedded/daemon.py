"""A server process that owns a folder: a single instance, cleaned up after a crash, stopped with its parent."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import psutil

from embedded.errors import FolderInUse, StartFailed

_POLL_S: Final = 0.05
_LOG_TAIL_BYTES: Final = 4096
_CHILDREN_S: Final = 20.0
# Start times are derived from the system clock, which may be adjusted.
_SAME_START_S: Final = 2.0


class Daemon:
    """A child process; its folder holds its log, lock and process id."""

    def __init__(self, name: str, folder: Path, *, stop_signal: signal.Signals) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / "server.log"
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises StartFailed: it is not running."""
        if self._process is None:
            raise StartFailed(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def claim(self) -> None:
        """Lock the folder, and stop a server that a killed process left running in it.

        Raises FolderInUse: another process has locked it.
        """
        if self._lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            handle.close()
            raise FolderInUse(f"{self.name} already runs in {self.folder} for another process") from exc
        self._lock = handle
        self._end_leftover()

    def spawn(
        self,
        command: Sequence[str | Path],
        *,
        become: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process, its output going to the log. `become` is a command prefix that changes the user."""
        # After `become`: changing the user clears the parent-death signal.
        words = [*become, *_parent_death_signal(self._stop_signal), *(str(word) for word in command)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=None if env is None else {**os.environ, **env},
                # Ctrl-C goes to the entire foreground group, but the servers must stop last.
                start_new_session=True,
            )
        started = psutil.Process(self._process.pid).create_time()
        (self.folder / "pid").write_text(f"{self._process.pid} {started}\n")

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return once `ready()` is true.

        Raises StartFailed: the process exited or timed out; it is not running any more.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                code = self._process.returncode if self._process else None
                raise StartFailed(f"{self.name} exited with code {code} while starting; {self.last_log_line()}")
            if time.monotonic() > deadline:
                self.kill()
                raise StartFailed(f"{self.name} did not answer within {timeout_s:.0f} s; {self.last_log_line()}")
            time.sleep(_POLL_S)

    def last_log_line(self) -> str:
        """The log's path and last line."""
        line = ""
        if self.log.exists():
            tail = self.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").splitlines()
            line = next((text.strip() for text in reversed(tail) if text.strip()), "")
        return f"log {self.log}: {line or '(empty)'}"

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def stop(self, *, timeout_s: float = 30) -> None:
        """Stop the process, kill it after the timeout, and unlock the folder."""
        if self._process is not None and self.running:
            with suppress(ProcessLookupError):
                # A frozen process would not see the signal.
                self.send(signal.SIGCONT)
                self.send(self._stop_signal)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """Kill the process, as a crash would; the folder stays locked.

        Waits for its children, too: PostgreSQL refuses to start until they have noticed and exited.
        """
        if self._process is None:
            return
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(children, timeout=_CHILDREN_S)

    def _end_leftover(self) -> None:
        """Stop the process of an earlier run whose parent was killed, if it is still alive."""
        note = self.folder / "pid"
        if not note.exists():
            return
        with suppress(psutil.NoSuchProcess, ValueError):
            pid, started = note.read_text().split()
            left = psutil.Process(int(pid))
            # Process ids are reused: only the same start time means the same process.
            if abs(left.create_time() - float(started)) < _SAME_START_S:
                left.resume()
                left.send_signal(self._stop_signal)
                if not _ended(left, timeout_s=30):
                    left.kill()
                    _ended(left, timeout_s=10)
        note.unlink(missing_ok=True)


def _ended(process: psutil.Process, *, timeout_s: float) -> bool:
    """Whether a process that is not our child exited in time; a zombie counts as exited."""
    deadline = time.monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
    return True


def _parent_death_signal(stop_signal: signal.Signals) -> list[str]:
    """A command prefix that makes Linux send the command this signal when its parent dies.

    Empty on other systems: there, the next start in the same folder stops the leftover process.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")]


@contextmanager
def stopped_on_error(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` if the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        stop()
        raise
