"""Runs the checks of `manage.py doctor` side by side, each within a bound."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings

from apps.console.adapters.checks.database import ROLES, check_clock, check_migrations, check_role
from apps.console.adapters.checks.machine import check_disk, check_environment, check_versions
from apps.console.adapters.checks.servers import (
    check_grafana,
    check_kafka,
    check_pipelines,
    check_prometheus,
    check_queue,
    check_topics,
)
from apps.console.core.diagnosis import CheckStatus, DiagnosisResult
from apps.telemetry.environment import settings_of

TIMEOUT_S: Final = 20.0
"""How long the slowest check may take; a server that accepts connections and never answers is then reported."""

Check = Callable[[], Iterable[DiagnosisResult]]


def diagnose(*, timeout_s: float = TIMEOUT_S) -> list[DiagnosisResult]:
    """The results of all checks, in the order of the report; takes at most `timeout_s` seconds."""
    checks = dict(_checks())
    done: queue.SimpleQueue[tuple[str, list[DiagnosisResult]]] = queue.SimpleQueue()
    for name, check in checks.items():
        # Daemons: a check that hangs in a driver must not keep the process alive.
        threading.Thread(target=_run, args=(name, check, done), name=f"anden-doctor-{name}", daemon=True).start()
    results: dict[str, list[DiagnosisResult]] = {}
    deadline = time.monotonic() + timeout_s
    while len(results) < len(checks):
        try:
            name, found = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        results[name] = found
    late = f"no answer within {timeout_s:g} s: the server accepts connections and does not respond, restart it"
    return [
        result for name in checks for result in results.get(name, [DiagnosisResult(CheckStatus.FAILED, name, late)])
    ]


def _run(name: str, check: Check, done: "queue.SimpleQueue[tuple[str, list[DiagnosisResult]]]") -> None:
    try:
        found = list(check())
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding, and the others still run
        found = [DiagnosisResult(CheckStatus.FAILED, name, f"the check failed: {type(error).__name__}: {error}")]
    done.put((name, found))


def _checks() -> Iterator[tuple[str, Check]]:
    """Each check by its name in the report."""
    yield "versions", check_versions
    yield "settings", partial(check_environment, settings_of(settings))
    for role in ROLES:
        yield f"database ({role})", partial(check_role, role)
    yield "migrations", check_migrations
    yield "clock", check_clock
    yield "kafka", check_kafka
    yield "topics", check_topics
    yield "pipelines", check_pipelines
    yield "queue", check_queue
    yield "grafana", check_grafana
    yield "prometheus", check_prometheus
    yield "disk", partial(check_disk, _folders())


def _folders() -> list[Path]:
    chosen = (Path(), settings.ANDEN.static_root, settings.ANDEN.celery_folder, settings.MONITORING.metrics_folder)
    return [folder for folder in chosen if folder is not None]
