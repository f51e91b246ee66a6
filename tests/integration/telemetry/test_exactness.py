"""Web workers and Celery's children come and go under load, and every count is exact."""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.api.clients.services import client_create
from embedded.ports import LOOPBACK, free_port
from tests.integration.telemetry.programs import ROOT, running
from tests.station import Station

WORKERS: Final = 8
REQUESTS: Final = 1_200
REQUESTS_A_LIFE: Final = 16
RECYCLED: Final = 50
CHILDREN: Final = 4
TASKS: Final = 100
TASKS_A_LIFE: Final = 5
CLIENTS: Final = 8
UP_WITHIN_S: Final = 60.0
SCRAPE_EVERY_S: Final = 1.0
"""Each scrape merges the files of all processes: with more of them, that would dominate the test."""

pytestmark = pytest.mark.timeout(600)

Environment = Mapping[str, str]


def answer(port: int, path: str, key: str = "") -> bytes:
    """The body of one request over a connection of its own."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}", "Connection": "close"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body
    finally:
        connection.close()


def samples(exposition: bytes) -> dict[str, float]:
    """The sum over each name's series."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def until(done: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while not done():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


def answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return bool(answer(port, "/healthz"))
    return False


class Watcher(threading.Thread):
    """Scrapes like Prometheus while the workers change, and keeps the results."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._over = threading.Event()
        self.counts: list[float] = []
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._over.wait(SCRAPE_EVERY_S):
            self.scrape()

    def scrape(self) -> dict[str, float]:
        started = time.perf_counter()
        exposition = answer(self._port, "/metrics")
        self.seconds.append(time.perf_counter() - started)
        found = samples(exposition)
        self.counts.append(found.get("anden_api_requests_total", 0))
        return found

    def end(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def environment(station: Station, tmp_path: Path) -> dict[str, str]:
    """The environment: this session's database, a metrics folder, a filesystem broker."""
    return {
        **os.environ,
        "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "ANDEN_MONITORING_METRICS_FOLDER": str(tmp_path / "metrics"),
        "ANDEN_CELERY_FOLDER": str(tmp_path / "celery"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }


def web(port: int) -> list[str]:
    # Preloaded, because eighty imports of Django would occupy both processors.
    return [
        *("gunicorn", "config.wsgi", "--bind", f"{LOOPBACK}:{port}", "--workers", str(WORKERS), "--preload"),
        *("--max-requests", str(REQUESTS_A_LIFE), "--max-requests-jitter", "5", "--no-control-socket"),
    ]


def celery() -> list[str]:
    return [
        *("celery", "--app", "tests.counted", "worker", "--pool", "prefork", "--concurrency", str(CHILDREN)),
        *("--max-tasks-per-child", str(TASKS_A_LIFE), "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]


def send_tasks(environment: Environment, count: int) -> None:
    script = f"from tests.counted import counted\nfor _ in range({count}): counted.delay()"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=dict(environment), check=True)


def test_changing_workers_lose_no_count_and_leave_no_file(
    station: Station, environment: dict[str, str], tmp_path: Path, record_figure: Callable[[str], None]
) -> None:
    _, key = client_create("counter", ())
    port, folder = free_port(), tmp_path / "metrics"
    web_log, celery_log = tmp_path / "web.log", tmp_path / "celery.log"
    with running(web(port), environment, web_log), running(celery(), environment, celery_log):
        until(lambda: answers(port), web_log)
        until(lambda: b" ready." in celery_log.read_bytes(), celery_log)
        send_tasks(environment, TASKS)
        watcher = Watcher(port)
        watcher.start()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for half in (1, 2):
                list(clients.map(lambda _: answer(port, "/api/v1/datasets", str(key)), range(REQUESTS // 2)))
                if half == 1:
                    lives_before, files_before = booted(web_log), len(files(folder))
        until(lambda: celery_log.read_bytes().count(b" succeeded in ") == TASKS, celery_log)
        watcher.end()
        busy, watcher.seconds = watcher.seconds, []
        found = [watcher.scrape() for _ in range(5)][-1]
        lives, slots, kept = booted(web_log), len(list(folder.glob("slot_*.lock"))), len(files(folder))
    assert found["anden_api_requests_total"] == REQUESTS
    assert found["anden_api_request_duration_seconds_count"] == REQUESTS
    assert found["django_http_requests_before_middlewares_total"] == REQUESTS
    assert found["anden_probe_tasks_total"] == TASKS
    assert watcher.counts == sorted(watcher.counts), "a scrape saw a counter fall"
    assert lives - WORKERS >= RECYCLED
    assert lives - lives_before >= RECYCLED // 3
    # Old and new workers may overlap; an ended one leaves its slot to the next.
    assert slots <= 2 * (1 + WORKERS) + 2 * (1 + CHILDREN)
    assert kept <= 64
    record_figure(
        f"{REQUESTS} requests and {TASKS} tasks, none lost; {lives - WORKERS} web workers recycled; {slots} slots, "
        f"{files_before} files after half, {kept} at the end; scrapes: {spread(busy)} under traffic, "
        f"{spread(watcher.seconds)} at rest"
    )


def spread(seconds: list[float]) -> str:
    """Median and 95th percentile, formatted."""
    rising = sorted(seconds)
    return f"median {rising[len(rising) // 2] * 1e3:.0f} ms, p95 {rising[int(len(rising) * 0.95)] * 1e3:.0f} ms"


def booted(log: Path) -> int:
    """Number of web workers ever started."""
    return len(re.findall(r"Booting worker with pid", log.read_text()))


def files(folder: Path) -> list[Path]:
    """The metric files."""
    return list(folder.glob("*.db"))
