"""The Celery application with an additional task that counts its runs: `celery -A tests.counted worker`."""

from typing import Final

from django.db import connection

from apps.telemetry import prometheus
from apps.telemetry.metric import Metric
from config.celery import app

TASKS: Final = Metric("anden_probe_tasks_total", "Test tasks that have ended.", "counter")


@app.task(name="tests.counted")
def counted() -> None:
    """Query PostgreSQL, and count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    prometheus.counter(TASKS).inc()
