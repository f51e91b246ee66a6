import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.prometheus import NOT_INSTALLED, prometheus_process


def test_the_configuration_scrapes_the_web_server_and_passes_promtool(
    require: Callable[[str], str], tmp_path: Path
) -> None:
    promtool = require("promtool")
    prometheus = prometheus_process(tmp_path, 8123)
    (program,) = prometheus.programs
    file = tmp_path / "prometheus.json"
    assert f"--config.file={file}" in program.command
    assert prometheus.location.removeprefix("http://") in " ".join(program.command)
    jobs = json.loads(file.read_text())["scrape_configs"]
    assert jobs[0] == {"job_name": "anden", "static_configs": [{"targets": ["127.0.0.1:8123"]}]}
    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_prometheus_is_not_started_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    prometheus = prometheus_process(tmp_path, 8123)
    assert (prometheus.programs, prometheus.location) == ((), NOT_INSTALLED)
