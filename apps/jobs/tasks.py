"""Celery tasks and signal handlers of background jobs."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutdown, worker_shutting_down

from apps.jobs.adapters.broker import TASK
from apps.jobs.metrics import JOBS, JOBS_WAITING
from apps.jobs.selectors import job_counts, oldest_waiting_by_kind
from apps.jobs.services.heartbeat import stopping
from apps.jobs.services.runner import handover_send, job_run
from apps.jobs.services.sweep import jobs_sweep
from apps.telemetry import prometheus


@shared_task(name=TASK, ignore_result=True)
def run(job_id: int) -> None:
    """Run one job if it is still queued."""
    job_run(job_id)


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> int:
    """Recover jobs without a worker; return how many ids were sent."""
    return jobs_sweep()


@shared_task(name="jobs.count", ignore_result=True)
def count() -> None:
    """Update the job metrics."""
    for state, jobs in job_counts().items():
        prometheus.gauge(JOBS).labels(state).set(jobs)
    prometheus.replace_series(
        JOBS_WAITING, {(kind,): since.timestamp() for kind, since in oldest_waiting_by_kind().items()}
    )


@worker_shutting_down.connect
def return_running_job(**_about: Any) -> None:
    """Make the running job return to the queue. The pool uses threads, which share the event."""
    stopping.set()


@worker_shutdown.connect
def notify_workers(**_about: Any) -> None:
    """Notify another worker of a job that this one returned."""
    handover_send()
