"""Probes and Prometheus get a response in any state of the installation, under any host name."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from prometheus_client import CONTENT_TYPE_LATEST

from apps.telemetry import readiness
from embedded.postgres import EmbeddedPostgres
from tests.station import Station

ROOT: Final = Path(__file__).resolve().parents[3]
ANYWHERE: Final = {"Host": "10.0.3.17:8000"}

# A separate process, whose databases are on a port without a listener.
WITHOUT_DATABASE: Final = """
import json, os, sys
os.environ.update(
    DJANGO_SETTINGS_MODULE="tests.settings", ANDEN_MONITORING_METRICS_FOLDER=sys.argv[1]
)
for name in [name for name in os.environ if name.startswith("ANDEN_DATABASE_")]:
    del os.environ[name]
import django
django.setup()
from django.test import Client
client = Client()
client.get("/nowhere")
found = {path: client.get(path, HTTP_HOST="10.0.3.17:8000") for path in ("/healthz", "/readyz", "/metrics")}
print(json.dumps({path: [answer.status_code, answer.content.decode()] for path, answer in found.items()}))
"""


@pytest.fixture(scope="module")
def without_database(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("metrics")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATABASE, str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
        check=True,
        capture_output=True,
        text=True,
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def test_a_process_without_database_is_alive_and_names_what_is_missing(
    without_database: dict[str, Any],
) -> None:
    assert without_database["/healthz"][0] == 200
    status, body = without_database["/readyz"]
    assert status == 503
    assert json.loads(body)["missing"] == ["database default: unreachable"]


def test_metrics_need_no_database_and_include_those_of_django(without_database: dict[str, Any]) -> None:
    status, body = without_database["/metrics"]
    assert status == 200
    assert "django_http_requests_before_middlewares_total 1.0" in body
    assert 'anden_database_operation_seconds_count{alias="default",operation="read"}' in body


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_migrated_station_is_ready_under_any_host_name() -> None:
    answer = Client().get("/readyz", headers=ANYWHERE)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_missing_migration_is_named_until_it_is_applied() -> None:
    readiness._plan_once.cache_clear()
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions' AND name = '0001_initial'")
    answer = Client().get("/readyz")
    call_command("migrate", "sessions", fake=True, verbosity=0)
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["migration sessions.0001_initial: not applied"]
    assert Client().get("/readyz").status_code == 200


def test_a_frozen_database_is_named_within_a_second_and_recovers(
    station: Station, postgres_server: EmbeddedPostgres
) -> None:
    assert Client().get("/readyz").status_code == 200
    checks_before = [thread for thread in threading.enumerate() if thread.name == "anden-readiness"]
    postgres_server.pause()
    processes = psutil.Process(postgres_server.pid).children()
    try:
        for process in processes:
            process.suspend()
        answers = [Client().get("/readyz") for _ in range(3)]
        checks = [thread for thread in threading.enumerate() if thread.name == "anden-readiness"]
    finally:
        for process in processes:
            process.resume()
        postgres_server.resume()
    assert [answer.status_code for answer in answers] == [503] * 3
    assert {answer.json()["missing"][0] for answer in answers} == {"database default: unreachable"}
    assert len(checks) == len(checks_before) + 1, "one check at a time, however often a probe asks"
    deadline = time.monotonic() + 30
    while Client().get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_metrics_are_prometheus_text_and_cannot_be_posted_to() -> None:
    answer = Client().get("/metrics", headers=ANYWHERE)
    assert answer.status_code == 200
    assert answer["Content-Type"] == CONTENT_TYPE_LATEST
    assert b"# TYPE anden_database_operation_seconds histogram" in answer.content
    assert Client().post("/metrics", headers=ANYWHERE).status_code == 405


def test_other_urls_still_check_the_host_name() -> None:
    assert Client().get("/admin/login/", headers=ANYWHERE).status_code == 400
