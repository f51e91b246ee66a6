"""What Celery's messages lead to."""

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
    """Run one job, if it still waits."""
    job_run(job_id)


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> int:
    """Look after jobs that nobody runs; ids sent."""
    return jobs_sweep()


@shared_task(name="jobs.count", ignore_result=True)
def count() -> None:
    """Show how many jobs are queued, running and failed, and since when each kind waits."""
    for state, jobs in job_counts().items():
        prometheus.gauge(JOBS).labels(state).set(jobs)
    prometheus.replace_series(
        JOBS_WAITING, {(kind,): since.timestamp() for kind, since in oldest_waiting_by_kind().items()}
    )


@worker_shutting_down.connect
def give_back(**_about: Any) -> None:
    """Have the job that runs go back into the queue: the worker's pool is threads, which see the same event."""
    stopping.set()


@worker_shutdown.connect
def pass_on(**_about: Any) -> None:
    """Send on what was given back."""
    handover_send()
