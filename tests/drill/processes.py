"""The releases' code, and their worker and web processes."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.ports import LOOPBACK, free_port
from tests.drill.journal import Journal

UP_WITHIN_S: Final = 180.0
DOWN_WITHIN_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class Release:
    """A release's name and the folder with its code."""

    name: str
    code: Path


@dataclass(slots=True)
class Process:
    """A process of a release. `address` is a web server's; `killed`: it ended as in a crash."""

    name: str
    release: Release
    popen: subprocess.Popen[bytes]
    log: Path
    address: str = ""
    killed: bool = False

    def prove(self) -> None:
        """Raise RuntimeError unless the process runs the code of its release."""
        folder = Path(f"/proc/{self.popen.pid}/cwd").resolve()
        environ = Path(f"/proc/{self.popen.pid}/environ").read_bytes().split(b"\0")
        path = next((entry for entry in environ if entry.startswith(b"PYTHONPATH=")), b"").decode()
        wanted = f"PYTHONPATH={self.release.code}:{self.release.code / 'platform'}"
        if folder != self.release.code or path != wanted:
            raise RuntimeError(f"{self.name} runs in {folder} with {path}, not with {self.release.code}")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


class Processes:
    """Starts and stops processes, and kills what is left at the end."""

    def __init__(self, env: Mapping[str, str], folder: Path, journal: Journal) -> None:
        self._env = env
        self._folder = folder
        self._journal = journal
        self._number = 0
        self.all: list[Process] = []

    def worker(self, release: Release) -> Process:
        """A starting ingest worker. Its name, which begins with its release, is in the ledger."""
        return self._start(release, "worker", ["ingest"])

    def web(self, release: Release) -> Process:
        """A starting web server."""
        return self._start(release, "web", ["web"], address=f"{LOOPBACK}:{free_port()}")

    def _start(self, release: Release, kind: str, words: Sequence[str], *, address: str = "") -> Process:
        self._number += 1
        name = f"{release.name}/{kind}-{self._number}"
        log = self._folder / f"{name.replace('/', '-')}.log"
        env = {**self._env, "ANDEN_INGEST_WORKER": name, **({"ANDEN_WEB_BIND": address} if address else {})}
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [release.code / "platform/entrypoint", *words],
                env=env,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        process = Process(name, release, popen, log, address)
        self.all.append(process)
        return process

    def wait_for(self, process: Process, ready: Callable[[], bool]) -> None:
        """Return when the process is ready and proven to run its release. Raises RuntimeError: it exited, or time."""
        deadline = time.monotonic() + UP_WITHIN_S
        while not ready():
            if process.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.name} did not become ready: {process.last_words()}")
            time.sleep(0.1)
        process.prove()
        self._journal.say(f"{process.name} is ready")

    def stop(self, *processes: Process) -> None:
        """Stop gracefully, all at once; any exit code but 0 is a fault."""
        running = [process for process in processes if process.popen.poll() is None]
        for process in running:
            process.popen.terminate()
        for process in running:
            try:
                process.popen.wait(DOWN_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
            self._journal.say(f"{process.name} stopped")
        for process in processes:
            if code := process.popen.returncode:
                self._journal.fault(f"{process.name} exited with {code}: {process.last_words()}")

    def kill(self, *processes: Process) -> None:
        """End the processes and their children as a crash would."""
        for process in processes:
            process.killed = True
            os.killpg(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
            self._journal.say(f"{process.name} killed")

    def close(self) -> None:
        """End every process that still runs."""
        for process in self.all:
            if process.popen.poll() is None:
                process.popen.terminate()
        for process in self.all:
            try:
                process.popen.wait(DOWN_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()


def is_ready(process: Process) -> bool:
    """Whether the web server reports that it can serve requests."""
    try:
        with urllib.request.urlopen(f"http://{process.address}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def identity(release: Release, env: Mapping[str, str]) -> str:
    """Where the release's processes import the apps from. Raises RuntimeError: from another release."""
    path = {"PYTHONPATH": f"{release.code}:{release.code / 'platform'}"}
    code = "import apps.ingest.conf, config.conf; print(apps.ingest.conf.__file__, config.conf.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**env, **path}, cwd=release.code, capture_output=True, text=True, check=True
    )
    files = done.stdout.split()
    if len(files) != 2 or not all(Path(file).is_relative_to(release.code) for file in files):
        raise RuntimeError(f"{release.name} imports {files}, not from {release.code}")
    return files[0]
