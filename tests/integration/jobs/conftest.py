"""Fixtures for jobs: the broker's messages, a real Celery worker, and waiting for a row."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.db.models import F

from apps.jobs.core.kinds import JobKind
from apps.jobs.models import Job
from apps.jobs.services.heartbeat import stopping
from apps.jobs.services.queue import enqueue
from tests import job_kinds
from tests.job_kinds import Errand
from tests.station import Station

ROOT: Final = Path(__file__).resolve().parents[3]
QUEUE: Final = Path(settings.ANDEN.celery_folder) / "queue"
TIMEOUT_S: Final = 60.0


def sent() -> list[int]:
    """Pop the job ids from the broker's folder."""
    ids: list[int] = []
    for path in sorted(QUEUE.glob("*.msg"), key=lambda path: path.stat().st_mtime_ns):
        message = json.loads(path.read_text())
        if message["headers"]["task"] == "jobs.run":
            ids.append(json.loads(base64.b64decode(message["body"]))[0][0])
        path.unlink()
    return ids


def until(done: Callable[[], bool], describe: Callable[[], Any] = str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not done():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.05)


@dataclass
class EnqueuedJob:
    """An enqueued job."""

    pk: int
    witness: Path
    gate: Path

    @property
    def row(self) -> Job:
        return Job.objects.get(pk=self.pk)

    @property
    def runs(self) -> list[str]:
        """One line per started run: process id and checkpoint."""
        return self.witness.read_text().splitlines() if self.witness.exists() else []

    def until(self, state: str, *, done: int = 0) -> Job:
        """Wait until the row has this state and progress."""
        until(lambda: self.row.state == state and self.row.done >= done, lambda: vars(self.row))
        return self.row

    def age(self, seconds: float, *fields: str) -> None:
        """Move these timestamps of the row into the past."""
        Job.objects.filter(pk=self.pk).update(**{field: F(field) - timedelta(seconds=seconds) for field in fields})


Ask = Callable[..., EnqueuedJob]


@pytest.fixture
def ask(station: Station, tmp_path: Path) -> Iterator[Ask]:
    """Enqueues a job of a kind, with its files in the test's folder."""
    sent()
    numbers = iter(range(1_000))

    def one(kind: JobKind[Errand] = job_kinds.work, *, actor: str = "ada") -> EnqueuedJob:
        number = next(numbers)
        witness, gate = tmp_path / f"witness-{number}", tmp_path / f"gate-{number}"
        return EnqueuedJob(enqueue(kind, Errand(str(witness), str(gate)), actor=actor), witness, gate)

    yield one
    stopping.clear()


@contextmanager
def worker(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker with the tests' job kinds."""
    command = ["celery", "-A", "tests.job_kinds", "worker", "--pool", "threads", "--concurrency", "2"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": f"{ROOT}:{ROOT}/platform"}
    with (folder / "worker.log").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
