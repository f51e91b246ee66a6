"""A warm process for ingest workers, and what a worker measured."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

from bench.pace import Pace


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """One worker's figures.

    `seconds` is the backlog's time, `stages_s` the same by stage, `threads_s` the Kafka client's CPU time meanwhile;
    `steady_rate` is in records per second.
    """

    seconds: float
    stages_s: Mapping[str, float]
    threads_s: float
    steady_rate: float
    records: int
    rows: int
    rejects: int
    peak_bytes: int


class WorkerProcess:
    """Runs one worker after another, as a member of the consumer group `bench-NAME`."""

    def __init__(self, name: str, folder: Path, **settings: str) -> None:
        self._environment = {**os.environ, **settings, "ANDEN_KAFKA_GROUP_ID": f"bench-{name}"}
        self._pace_file = folder / f"{name}.pace"
        self.peak_bytes = 0
        """The process's peak memory so far."""

    def __enter__(self) -> Self:
        self.pace = Pace(self._pace_file)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", str(self._pace_file)],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self._process.kill()
        with self._process:
            pass
        with self.pace:
            self._pace_file.unlink()

    def read(self, datasets: Sequence[str], records: int) -> WorkerRun:
        """Read a backlog of so many records to its end. Raises RuntimeError: the worker stored fewer."""
        self.begin("read", datasets=list(datasets), records=records)
        run = self.finish()
        if run.rows + run.rejects != records:
            raise RuntimeError(f"the worker stored {run.rows} rows and {run.rejects} rejects of {records} records")
        return run

    def begin(self, command: str, **arguments: Any) -> None:
        """Start a command of bench/worker.py."""
        print(json.dumps({"command": command, **arguments}), file=self._process.stdin, flush=True)

    def finish(self) -> WorkerRun:
        """Wait for the end of `read`."""
        run = WorkerRun(**self.answer())
        self.peak_bytes = max(self.peak_bytes, run.peak_bytes)
        return run

    def has_answered(self) -> bool:
        """Whether an answer waits, or the process has exited."""
        output = self._process.stdout
        return output is not None and bool(select([output], [], [], 0)[0])

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer. Raises RuntimeError: the process exited."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the worker exited too early")
        found: dict[str, Any] = json.loads(line)
        self.peak_bytes = max(self.peak_bytes, found.get("peak_bytes", 0))
        return found
