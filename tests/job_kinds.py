"""The Celery application with misbehaving job kinds: `celery -A tests.job_kinds worker`."""

import os
import signal
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction
from msgspec import Struct

from apps.jobs.core.errors import JobRefused
from apps.jobs.core.kinds import job
from apps.jobs.core.run import JobRun
from config.celery import app

__all__ = ["app"]


class Errand(Struct, frozen=True, forbid_unknown_fields=True):
    """`witness` is a file that gets a line from each run. The work ends when `gate` exists."""

    witness: str = os.devnull
    gate: str = ""


def witnessed(errand: Errand, run: JobRun) -> None:
    with Path(errand.witness).open("a") as file:
        file.write(f"{os.getpid()} {run.checkpoint}\n")


@job("tests.work", Errand)
def work(errand: Errand, run: JobRun) -> dict[str, Any]:
    """Count from the checkpoint until the gate exists."""
    witnessed(errand, run)
    count = run.checkpoint or 0
    while not Path(errand.gate).exists():
        count += 1
        run.progress(count, None, f"step {count}", count)
        time.sleep(0.05)
    return {"pid": os.getpid(), "count": count}


@job("tests.fail", Errand, attempts=2)
def fail(errand: Errand, run: JobRun) -> None:
    """Fail with a secret in the message."""
    witnessed(errand, run)
    raise ValueError("no way to postgresql://app:hunter2@db/anden\nwith password=hunter2")


@job("tests.refuse", Errand)
def refuse(_errand: Errand, _run: JobRun) -> None:
    """Refuse permanently."""
    raise JobRefused("there is no such thing")


@job("tests.kill", Errand, attempts=2)
def kill(errand: Errand, run: JobRun) -> None:
    """Kill the worker."""
    witnessed(errand, run)
    os.kill(os.getpid(), signal.SIGKILL)


@job("tests.hang", Errand, time_limit_s=0.5)
def hang(errand: Errand, _run: JobRun) -> str:
    """Hang until the gate exists."""
    while not Path(errand.gate).exists():
        time.sleep(0.02)
    return "too late"


@job("tests.lose", Errand)
def lose(errand: Errand, run: JobRun) -> str:
    """Continue after another run has taken over the job."""
    from apps.jobs.models import Job  # noqa: PLC0415 - imported before Django's models are ready

    Job.objects.update(claim=uuid4(), text="the other's")
    while not Path(errand.gate).exists():
        run.progress(7, None, "the loser's")
        time.sleep(0.02)
    return "the loser's"


@job("tests.enclose", Errand, attempts=1)
def enclose(_errand: Errand, run: JobRun) -> None:
    """Report progress inside a transaction."""
    with transaction.atomic():
        run.progress(1)


@job("tests.unstorable", Errand, attempts=1)
def unstorable(_errand: Errand, _run: JobRun) -> str:
    """Return a value that PostgreSQL cannot store."""
    return "a \0 in it"
