"""A web server on the test session's database."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def served(changed: Mapping[str, str], log: Path, *, ready: bool = False) -> Iterator[str]:
    """The URL of a web server with one process and these environment variables.

    With `ready`, the server has checked the database: the first check may exceed the timeout of readiness.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "platform/web/gunicorn.py")]
    command += ["--workers", "1", "--bind", f"127.0.0.1:{port}"]
    path = {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    environment = {**os.environ, **path, **changed}
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_available(f"{url}/{'readyz' if ready else 'healthz'}", server, log)
            yield url
        finally:
            server.terminate()
            server.wait(20)


def _wait_until_available(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  local
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with default settings."""
    with served({}, tmp_path_factory.mktemp("web") / "web.log", ready=True) as base_url:
        yield base_url
