"""Celery on SQS, as the chart starts it: the real worker with moto's queue."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from apps.telemetry.environment import SettingsInvalid, load
from config.conf import PlatformSettings
from config.sqs import queue_name, transport_options
from tests.infra.charts import ROOT
from tests.requirement import skip_or_fail

MOTO: Final = ROOT / ".venv-infra" / "bin" / "moto_server"
ENTRYPOINT: Final = ROOT / "platform" / "entrypoint"
URL: Final = "https://sqs.eu-west-1.amazonaws.com/000000000000/anden-dev-celery"
TIMEOUT_S: Final = 120


def test_transport_options_name_the_queue_and_its_region() -> None:
    options = transport_options(URL)
    assert queue_name(URL) == "anden-dev-celery"
    assert options["region"] == "eu-west-1"
    assert options["predefined_queues"] == {"anden-dev-celery": {"url": URL}}


def test_sqs_without_a_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_CELERY_BROKER_URL", "sqs://")
    monkeypatch.delenv("ANDEN_CELERY_QUEUE_URL", raising=False)
    with pytest.raises(SettingsInvalid, match="ANDEN_CELERY_QUEUE_URL"):
        load(PlatformSettings)


@pytest.fixture
def sqs_environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment variables for a client of moto's SQS."""
    if not MOTO.exists():
        skip_or_fail("moto_server is not in .venv-infra: run make infra")
    log = tmp_path / "moto.log"
    with log.open("wb") as out:
        server = subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", "0"], stdout=out, stderr=out)
    try:
        port = _port(log, server)
        keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "eu-west-1"}
        yield {**keys, "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{port}"}
    finally:
        server.terminate()
        server.wait(10)


def _port(log: Path, server: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        if "127.0.0.1:" in (text := log.read_text()):
            return text.split("127.0.0.1:")[1].split()[0]
        time.sleep(0.1)
    raise AssertionError(f"moto did not start: {log.read_text()}")


def _environment(sqs_environment: dict[str, str], queue: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        **sqs_environment,
        "ANDEN_SECRET_KEY": "0" * 40,
        "ANDEN_DATABASE_APP_URL": "postgresql://none@127.0.0.1:1/none",
        "ANDEN_CELERY_BROKER_URL": "sqs://",
        "ANDEN_CELERY_QUEUE_URL": queue,
        "ANDEN_MONITORING_METRICS_FOLDER": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def test_a_job_uses_the_existing_queue_and_creates_no_other(sqs_environment: dict[str, str], tmp_path: Path) -> None:
    client: Any = boto3.client(
        "sqs",
        endpoint_url=sqs_environment["AWS_ENDPOINT_URL_SQS"],
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    queue = client.create_queue(QueueName="anden-dev-celery")["QueueUrl"]
    environment = _environment(sqs_environment, queue, tmp_path)
    send = "from config import celery_app as app; app.finalize(); app.send_task('celery.backend_cleanup')"
    subprocess.run([sys.executable, "-c", send], env=environment, check=True, capture_output=True, timeout=TIMEOUT_S)
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [ROOT / "platform" / "entrypoint", "worker"], env=environment, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while "succeeded" not in log.read_text() and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait(TIMEOUT_S)
    assert "succeeded" in log.read_text(), log.read_text()[-2000:]
    assert client.list_queues()["QueueUrls"] == [queue]
