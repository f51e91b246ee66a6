"""The processes of `python -m bench.neighbours`: the worker that reads both datasets, and one of another database.

`python -m bench.neighbour_worker worker FAULT WELL SICK` prints what the worker moved, and when it began to read WELL.
`python -m bench.neighbour_worker newcomer SICK` tries to join the group over and over, until its input ends.
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
LOOK_S: Final = 0.05
TRY_S: Final = 0.5
OTHER: Final = "7000000000000000001-5"
"""A database that is not ours."""


@dataclass(frozen=True, slots=True)
class WorkerRuns:
    """How many workers were ended, when the first one began to read, and what the last one told."""

    ended: int
    began_at: float
    told: dict[str, Any]


def run(group: str, fault: str, well: str, sick: str, meanwhile: Callable[[], None]) -> dict[str, Any]:
    """What a worker told that read both datasets to the end; something is done from when it begins to read."""
    with _started(group, "worker", fault, well, sick) as process:
        began: dict[str, Any] = json.loads(_line(process))
        meanwhile()
        ended: dict[str, Any] = json.loads(_line(process))
    return began | ended


def run_until_done(group: str, fault: str, well: str, sick: str, *, most: int) -> WorkerRuns:
    """The same of one worker after another, until one comes to the end."""
    began_at = 0.0
    for ended in range(most):
        # Each end comes with a dump of where it stood.
        with _started(group, "worker", fault, well, sick, errors=subprocess.DEVNULL) as process:
            out, _ = process.communicate()
        lines = [json.loads(line) for line in out.splitlines()]
        began_at = began_at or lines[0]["reading_at"]
        if not process.returncode:
            return WorkerRuns(ended, began_at, lines[-1])
    raise RuntimeError(f"{most} workers ended, one after another")


def _started(group: str, *words: str, errors: int | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "ANDEN_KAFKA_GROUP_ID": group}
    command = [sys.executable, "-m", MODULE, *words]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    )


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("the worker ended before its time")
    return line


@contextmanager
def newcomer(group: str, sick: str, *, wanted: bool) -> Iterator[None]:
    """Have a worker of another database try to join, once it is started; raises where it was not refused."""
    if not wanted:
        yield
        return
    with _started(group, "newcomer", sick) as process:
        _line(process)
        yield
        told, _ = process.communicate()
    if not json.loads(told)["refused"]:
        raise RuntimeError(f"the worker of another database was not refused: {told}")


class ReadingStart(logging.Handler):
    """Prints when the worker began to read the dataset."""

    def __init__(self, dataset: str) -> None:
        super().__init__(logging.INFO)
        self._dataset = dataset
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Look whether it is the worker's word that it reads."""
        if not self._told and record.getMessage().startswith(f"{self._dataset}: reading "):
            print(json.dumps({"reading_at": record.created}), flush=True)
            self._told = True


def _work(fault: str, well: str, sick: str) -> None:
    """Be the worker: read both to the end."""
    from django.conf import settings  # noqa: PLC0415 - after setup

    from apps.ingest.adapters.watchdog import Watchdog  # noqa: PLC0415
    from apps.ingest.services.run_limits import RunLimits  # noqa: PLC0415
    from apps.ingest.services.worker_factory import worker_make  # noqa: PLC0415
    from bench.neighbour_faults import FAULTS, HANG, NONE  # noqa: PLC0415

    logger = logging.getLogger("apps.ingest")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(ReadingStart(well))
    (FAULTS.get(fault, HANG) if fault else NONE).patch()
    limits = RunLimits(until_idle=True, patience_s=PATIENCE_S)
    worker = worker_make([well, sick], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits)
    with Watchdog(worker.stop):
        moved = worker.run()
    print(json.dumps({"rows": moved.rows, "rejects": moved.rejects, "stopped": moved.stopped}), flush=True)


def _join(sick: str, until: TextIO) -> None:
    """Be the newcomer: try to join whenever somebody is in the group, and count how often that was refused."""
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
    while not select([until], [], [], TRY_S if refused else LOOK_S)[0]:
        if not list(group.members()):
            continue
        try:
            worker_factory.worker_make([sick], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits).run()
        except GroupShared:
            refused += 1
        else:
            break
    print(json.dumps({"refused": refused}), flush=True)


def main(words: list[str]) -> None:
    """Be one of the two."""
    import django  # noqa: PLC0415 - in these processes alone

    django.setup()
    if words[0] == "newcomer":
        _join(words[1], sys.stdin)
    else:
        _work(*words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
