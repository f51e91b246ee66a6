"""The station's Celery application with one more task, which counts: `celery -A tests.counted worker`."""

from typing import Final

from django.db import connection

from apps.telemetry import prometheus
from apps.telemetry.metric import Metric
from config.celery import app

TASKS: Final = Metric("anden_probe_tasks_total", "Tasks of a test that ended.", "counter")


@app.task(name="tests.counted")
def counted() -> None:
    """Ask PostgreSQL for something, and count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    prometheus.counter(TASKS).inc()
