import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.prometheus import NOT_INSTALLED, prometheus_process


def test_its_configuration_scrapes_the_station_and_holds_for_promtool(
    require: Callable[[str], str], tmp_path: Path
) -> None:
    promtool = require("promtool")
    watching = prometheus_process(tmp_path, 8123)
    (program,) = watching.programs
    file = tmp_path / "prometheus.json"
    assert f"--config.file={file}" in program.command
    assert watching.location.removeprefix("http://") in " ".join(program.command)
    jobs = json.loads(file.read_text())["scrape_configs"]
    assert jobs[0] == {"job_name": "anden", "static_configs": [{"targets": ["127.0.0.1:8123"]}]}
    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_where_none_is_installed_none_is_started_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    watching = prometheus_process(tmp_path, 8123)
    assert (watching.programs, watching.location) == ((), NOT_INSTALLED)
