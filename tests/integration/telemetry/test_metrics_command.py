"""`manage.py metrics serve` exposes what other processes wrote."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import urlopen

ROOT: Final = Path(__file__).resolve().parents[3]
WRITE: Final = """
import sys
from pathlib import Path
from apps.telemetry import prometheus
from apps.telemetry.metric import Metric
prometheus.enable_multiprocess_metrics(Path(sys.argv[1]))
prometheus.counter(Metric("anden_probe_rows_total", "Rows.", "counter")).inc(42)
"""


@contextmanager
def serving(folder: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "manage.py", "metrics", "serve", *words],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "ANDEN_MONITORING_METRICS_FOLDER": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        yield server
        server.kill()


def test_metrics_of_an_ended_process_are_served(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], cwd=ROOT, check=True)
    with serving(tmp_path, "--port", "0") as server:
        assert server.stdout
        address = server.stdout.readline().rsplit(" ", 1)[1].strip()
        with urlopen(address) as answer:  # noqa: S310 - our own server's address
            assert b"anden_probe_rows_total 42.0" in answer.read()


def test_an_occupied_port_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0") as first:
        assert first.stdout
        port = first.stdout.readline().rsplit(":", 1)[1].split("/")[0]
        with serving(tmp_path, "--port", port) as second:
            _, output = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"127.0.0.1:{port}" in output
    assert "Traceback" not in output
