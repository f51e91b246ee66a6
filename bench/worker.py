"""A process that runs ingest workers, one after another: `python -m bench.worker PACE_FILE`.

Each line of its input is a command in JSON; it answers with one line of JSON. The process stays warm between two
workers: modules are compiled and caches filled. See worker_process.py, which starts it.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django

from bench.stage_clock import StageClock

if TYPE_CHECKING:
    from apps.ingest.services.worker import Worker
    from bench.pace import Pace

PATIENCE_S: Final = 120.0
"""How long a worker may take until it has read something, and until it has read everything."""

CLOCK: Final = StageClock()
SETTLE_S: Final = 0.7
"""How long a steady stream runs before it is measured."""


def read(pace: "Pace", *, datasets: list[str], records: int, steady_s: float = 0.0) -> dict[str, Any]:
    """Read so many records of a backlog, then for `steady_s` what is sent meanwhile.

    `seconds` count from the first poll that brings records to the last commit.
    """
    from apps.ingest.services.gc_pause import paused_gc  # noqa: PLC0415 - after setup
    from bench.memory import own_peak_bytes  # noqa: PLC0415

    pace.records = 0
    worker = _worker(datasets)
    with paused_gc():
        seconds, stages, cpu_s = _backlog(worker, records)
        rate = _steady(worker, pace, steady_s) if steady_s else 0.0
        summary = worker.leave()
    return {
        "seconds": seconds,
        "stages_s": stages,
        "threads_s": cpu_s,
        "steady_rate": rate,
        "records": summary.records,
        "rows": summary.rows,
        "rejects": summary.rejects,
        "peak_bytes": own_peak_bytes(),
    }


def _worker(datasets: list[str]) -> "Worker":
    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.services.run_limits import UNLIMITED  # noqa: PLC0415
    from apps.ingest.services.worker_factory import worker_make  # noqa: PLC0415

    return worker_make(datasets, ingest=settings.INGEST, kafka=settings.KAFKA, limits=UNLIMITED)


def _backlog(worker: "Worker", count: int) -> tuple[float, dict[str, float], float]:
    """The seconds until `count` records are stored, those by stage, and the CPU seconds of the client's threads."""
    began_s = _until(worker, lambda: worker.summary.records > 0, restart=True)
    began_cpu_s = _threads_s()
    _until(worker, lambda: worker.summary.records >= count)
    worker.on_revoke(())  # commits the open batch
    return time.perf_counter() - began_s, CLOCK.read(), _threads_s() - began_cpu_s


def _threads_s() -> float:
    """CPU seconds of the process's other threads: the Kafka client's."""
    return time.process_time() - time.thread_time()


def _until(worker: "Worker", condition: Callable[[], bool], *, restart: bool = False) -> float:
    """Run the worker until the condition holds; return when its last iteration began.

    `restart` lets the clock of the stages begin with that iteration.
    """
    deadline_s = time.perf_counter() + PATIENCE_S
    while True:
        began_s = time.perf_counter()
        if restart:
            CLOCK.restart()
        worker.step()
        if condition():
            return began_s
        if began_s > deadline_s:
            raise TimeoutError(f"the worker has {worker.summary} after {PATIENCE_S:.0f} s")


def _steady(worker: "Worker", pace: "Pace", seconds: float) -> float:
    """Committed records per second while a producer keeps pace with the worker."""
    from bench.commit_edges import CommitEdges  # noqa: PLC0415 - after setup

    edges, began_s = CommitEdges(), time.perf_counter()
    while time.perf_counter() < began_s + SETTLE_S + seconds:
        worker.step()
        summary = worker.summary
        pace.records = summary.records
        edges.see(time.perf_counter(), summary.rows + summary.rejects)
    return edges.rate(since_s=began_s + SETTLE_S)


def idle(_pace: "Pace", *, partitions: int, refreshes: int) -> dict[str, Any]:
    """Start a worker of all datasets; answer once it reads every partition, and again after so many refreshes."""
    from apps.ingest.services.gc_pause import paused_gc  # noqa: PLC0415 - after setup
    from bench.memory import own_peak_bytes  # noqa: PLC0415
    from bench.refresh_cost import RefreshCost  # noqa: PLC0415

    cost, began_s = RefreshCost(), time.perf_counter()
    worker = _worker([])
    with paused_gc():
        _until(worker, lambda: len(list(worker.streams)) == partitions and all(one.position for one in worker.streams))
        _answer({"seconds": time.perf_counter() - began_s})
        with cost:
            _until(worker, lambda: len(cost.seconds) >= refreshes)
        worker.leave()
    return {"refresh_s": cost.seconds, "peak_bytes": own_peak_bytes()}


def _answer(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


COMMANDS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"read": read, "idle": idle}


def main(pace_file: str) -> None:
    """Run the commands until the input ends."""
    django.setup()
    from bench.pace import Pace  # noqa: PLC0415 - after setup

    CLOCK.install()
    with Pace(Path(pace_file)) as pace:
        for line in sys.stdin:
            command = json.loads(line)
            _answer(COMMANDS[command.pop("command")](pace, **command))


if __name__ == "__main__":
    main(sys.argv[1])
