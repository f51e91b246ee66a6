"""The ingest workers: processes that are started again when they exit, as Kubernetes does."""

import random
import signal
import subprocess
import threading
from contextlib import suppress
from typing import Final

from tests.chaos.installation import Installation, NotPossible

PAUSE_S: Final = 0.3
LEAVE_S: Final = 30.0


class WorkerPool:
    """A number of workers, supervised by a thread."""

    def __init__(self, installation: Installation, size: int) -> None:
        self._installation = installation
        self._lock = threading.Lock()
        self._wanted = size
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="workers")
        self._ended: set[int] = set()
        self.exits: dict[int, int] = {}
        """Number of exits by return code."""

    def __enter__(self) -> "WorkerPool":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def choose(self, chance: random.Random) -> "subprocess.Popen[bytes]":
        """A living worker that no other fault is about to end. Raises NotPossible: all are dead or chosen."""
        with self._lock:
            living = [
                process
                for process in self._processes.values()
                if process.poll() is None and process.pid not in self._ended
            ]
            if not living:
                raise NotPossible("no worker is alive")
            chosen = chance.choice(living)
            self._ended.add(chosen.pid)
            return chosen

    def give_back(self, process: "subprocess.Popen[bytes]") -> None:
        """Allow other faults to choose this worker again."""
        with self._lock:
            self._ended.discard(process.pid)

    def scale(self, change: int) -> None:
        """Want more or fewer workers; surplus ones are terminated."""
        with self._lock:
            self._wanted += change
            surplus = sorted(self._processes)[self._wanted :]
            for slot in surplus:
                with suppress(ProcessLookupError):
                    self._processes[slot].terminate()

    def _supervise(self) -> None:
        while not self._over.is_set():
            with self._lock:
                for slot, process in list(self._processes.items()):
                    code = process.poll()
                    if code is not None:
                        self.exits[code] = self.exits.get(code, 0) + 1
                        self._ended.discard(process.pid)
                        del self._processes[slot]
                missing = [slot for slot in range(self._wanted) if slot not in self._processes]
                for slot in missing:
                    log = self._installation.folder / f"worker-{slot}.log"
                    self._processes[slot] = self._installation.start("ingest", log=log)
            self._over.wait(PAUSE_S)
