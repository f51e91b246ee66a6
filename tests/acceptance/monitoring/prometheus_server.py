"""A real Prometheus: configuration, process and HTTP API."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from embedded.ports import LOOPBACK, free_port

EVERY: Final = "2s"
"""The scrape and evaluation interval here; on AWS it is fifteen times as long."""

UP_WITHIN_S: Final = 30.0


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of a response. Raises AssertionError with Prometheus's error."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310 - a local URL
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def has_data(self, query: str, *, window_s: int = 60) -> bool:
        """Whether the query had a value other than NaN within the last minute."""
        now = time.time()
        data = self.ask("query_range", query=query, start=str(now - window_s), end=str(now), step="5")
        return any(value != "NaN" for series in data["result"] for _, value in series["values"])

    def label_values(self, label: str, *series: str) -> list[str]:
        """The values of a label, in these series or all."""
        match = "&".join(urllib.parse.urlencode({"match[]": one}) for one in series)
        with urllib.request.urlopen(f"{self.url}/api/v1/label/{label}/values?{match}", timeout=20) as response:  # noqa: S310
            found: list[str] = json.load(response)["data"]
        return found

    def result(self, query: str) -> list[str]:
        """The current series of a query as Grafana formats them: {label="value"} 1 0."""
        found = []
        for series in self.ask("query", query=query)["result"]:
            labels = ", ".join(f'{name}="{text}"' for name, text in series["metric"].items())
            found.append(f"{{{labels}}} {series['value'][1]} {series['value'][0]}")
        return found

    def targets(self) -> dict[str, str]:
        """The health of each job's target, by job."""
        return {target["labels"]["job"]: target["health"] for target in self.ask("targets")["activeTargets"]}


@contextmanager
def process(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[None]:
    """Run a program; it ends with the block."""
    with log.open("wb") as out:
        words = [str(word) for word in command]
        started = subprocess.Popen(words, stdout=out, stderr=out, env=environment, cwd=folder)
    try:
        yield
        assert started.poll() is None, f"{command[0]} exited: {log.read_text()[-2000:]}"
    finally:
        started.terminate()
        with suppress(subprocess.TimeoutExpired):
            started.wait(20)
        started.kill()
        started.wait()


@contextmanager
def prometheus(program: str, folder: Path, jobs: Mapping[str, str], rules: Sequence[Path]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes these jobs (host:port by name) and itself, and evaluates these rules."""
    port = free_port()
    listen = f"{LOOPBACK}:{port}"
    scraped = {**jobs, "prometheus": listen}
    configuration = {
        "global": {
            "scrape_interval": EVERY,
            "evaluation_interval": EVERY,
            "external_labels": {"runbooks": "https://anden.example/runbooks", "grafana": "https://grafana.example"},
        },
        "rule_files": [str(_accelerated(path, folder)) for path in rules],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in scraped.items()
        ],
    }
    if "alertmanager" in jobs:
        configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [jobs["alertmanager"]]}]}]}
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration))
    command = [
        *(program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address={listen}", "--storage.tsdb.retention.time=1h"),
    ]
    with process(command, folder / "prometheus.log"):
        server = Prometheus(f"http://{listen}")
        wait_for(f"http://{listen}/-/ready", folder / "prometheus.log")
        yield server


def wait_for(url: str, log: Path) -> None:
    """Return once the URL answers."""
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a local URL
                return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)


def _accelerated(rules: Path, folder: Path) -> Path:
    """The same rules, evaluated at the scrape interval."""
    document = yaml.safe_load(rules.read_text())
    for group in document["groups"]:
        group["interval"] = EVERY
    copy = folder / rules.name
    copy.write_text(yaml.safe_dump(document))
    return copy
