"""The processes of `python -m bench.neighbours`: the worker that reads both datasets, and one of another database.

`python -m bench.neighbour_worker worker FAULT HEALTHY FAULTY` prints a summary, and when it started to read HEALTHY.
`python -m bench.neighbour_worker newcomer FAULTY` tries to join the group repeatedly, until its stdin closes.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TextIO

MODULE: Final = "bench.neighbour_worker"
PATIENCE_S: Final = 60.0
POLL_S: Final = 0.05
TRY_S: Final = 0.5
OTHER: Final = "7000000000000000001-5"
"""The identity of another database."""


@dataclass(frozen=True, slots=True)
class WorkerRuns:
    """How many workers were killed, when the first one started to read, and the last one's summary."""

    ended: int
    began_at: float
    summary: dict[str, Any]


def run(group: str, fault: str, healthy: str, faulty: str, meanwhile: Callable[[], None]) -> dict[str, Any]:
    """Run a worker until it has read both datasets; call `meanwhile` once it reads. Return its summary."""
    with _started(group, "worker", fault, healthy, faulty) as process:
        began: dict[str, Any] = json.loads(_line(process))
        meanwhile()
        ended: dict[str, Any] = json.loads(_line(process))
    return began | ended


def run_until_done(group: str, fault: str, healthy: str, faulty: str, *, most: int) -> WorkerRuns:
    """Run one worker after another until one finishes."""
    began_at = 0.0
    for ended in range(most):
        # Each kill dumps a traceback to stderr.
        with _started(group, "worker", fault, healthy, faulty, errors=subprocess.DEVNULL) as process:
            out, _ = process.communicate()
        lines = [json.loads(line) for line in out.splitlines()]
        began_at = began_at or lines[0]["reading_at"]
        if not process.returncode:
            return WorkerRuns(ended, began_at, lines[-1])
    raise RuntimeError(f"{most} workers were killed, one after another")


def _started(group: str, *words: str, errors: int | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "ANDEN_KAFKA_GROUP_ID": group}
    command = [sys.executable, "-m", MODULE, *words]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    )


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("the worker exited too early")
    return line


@contextmanager
def newcomer(group: str, faulty: str, *, wanted: bool) -> Iterator[None]:
    """Let a worker of another database try to join meanwhile; raise if it was not refused."""
    if not wanted:
        yield
        return
    with _started(group, "newcomer", faulty) as process:
        _line(process)
        yield
        output, _ = process.communicate()
    if not json.loads(output)["refused"]:
        raise RuntimeError(f"the worker of another database was not refused: {output}")


class ReadingStart(logging.Handler):
    """Prints when the worker starts to read the dataset."""

    def __init__(self, dataset: str) -> None:
        super().__init__(logging.INFO)
        self._dataset = dataset
        self._printed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Print the time of the first log line about reading the dataset."""
        if not self._printed and record.getMessage().startswith(f"{self._dataset}: reading "):
            print(json.dumps({"reading_at": record.created}), flush=True)
            self._printed = True


def _work(fault: str, healthy: str, faulty: str) -> None:
    """Run the worker until it has read both datasets."""
    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.adapters.watchdog import Watchdog  # noqa: PLC0415
    from apps.ingest.services.run_limits import RunLimits  # noqa: PLC0415
    from apps.ingest.services.worker_factory import worker_make  # noqa: PLC0415
    from bench.neighbour_faults import FAULTS, HANG, NONE  # noqa: PLC0415

    logger = logging.getLogger("apps.ingest")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(ReadingStart(healthy))
    (FAULTS.get(fault, HANG) if fault else NONE).patch()
    limits = RunLimits(until_idle=True, patience_s=PATIENCE_S)
    worker = worker_make([healthy, faulty], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits)
    with Watchdog(worker.stop):
        moved = worker.run()
    print(json.dumps({"rows": moved.rows, "rejects": moved.rejects, "stopped": moved.stopped}), flush=True)


def _join(faulty: str, until: TextIO) -> None:
    """Run the newcomer: try to join whenever the group has members, and count the refusals."""
    from select import select  # noqa: PLC0415 - in this process alone

    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.adapters.kafka_client import client_config  # noqa: PLC0415
    from apps.ingest.adapters.kafka_group import KafkaGroup  # noqa: PLC0415
    from apps.ingest.core.errors import GroupShared  # noqa: PLC0415
    from apps.ingest.services import worker_factory  # noqa: PLC0415
    from apps.ingest.services.run_limits import RunLimits  # noqa: PLC0415

    vars(worker_factory)["database_identity"] = lambda: OTHER
    group = KafkaGroup(client_config(settings.KAFKA), settings.KAFKA.group_id)
    limits = RunLimits(until_idle=True, patience_s=PATIENCE_S)
    refused = 0
    print("ready", flush=True)
    while not select([until], [], [], TRY_S if refused else POLL_S)[0]:
        if not list(group.members()):
            continue
        try:
            worker_factory.worker_make([faulty], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits).run()
        except GroupShared:
            refused += 1
        else:
            break
    print(json.dumps({"refused": refused}), flush=True)


def main(words: list[str]) -> None:
    """Run one of the two processes."""
    import django  # noqa: PLC0415 - in these processes alone

    django.setup()
    if words[0] == "newcomer":
        _join(words[1], sys.stdin)
    else:
        _work(*words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
