"""Your own dataset, from YAML to rows over HTTP: every command of docs/guides/first-topic.md, as printed.

The worker and the web server run before the contract exists, and are not restarted.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from embedded.environment import write_environment
from embedded.kafka import EmbeddedKafka
from embedded.ports import free_port
from tests.station import Station

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/first-topic.md").read_text(encoding="utf-8")
PRINTED_SITE = "http://127.0.0.1:8000"
UP_WITHIN_S = 60.0


@dataclass(frozen=True)
class Block:
    """A code block of the guide."""

    kind: str
    text: str


def blocks() -> list[Block]:
    return [Block(kind, text) for kind, text in re.findall(r"^```(sh|yaml)\n(.*?)^```$", GUIDE, re.M | re.S)]


class Reader:
    """Follows the guide in a folder that resembles the project's."""

    def __init__(self, folder: Path, site: str) -> None:
        self.folder = folder
        self.site = site
        for name in ("manage.py", "apps", "platform"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)

    def type(self, text: str) -> str:
        """Run the commands in the guide's environment; return what they print."""
        script = f"set -eu\n. .anden/environment\n{text.replace(PRINTED_SITE, self.site)}"
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def type_until(self, text: str, wanted: str) -> str:
        """Repeat the commands until they print `wanted`; return that output."""
        deadline = time.monotonic() + UP_WITHIN_S
        while wanted not in (output := self.type(text)):
            assert time.monotonic() < deadline, output
            time.sleep(0.5)
        return output


@contextmanager
def processes(environment: Mapping[str, str], bind: str, logs: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The worker and the web server, as make run starts them."""
    commands = {
        "ingest": [sys.executable, "manage.py", "ingest"],
        "web": [sys.executable, "-m", "gunicorn", "--config", "platform/web/gunicorn.py", "--bind", bind],
    }
    started = []
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
                )
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


@pytest.fixture
def reader(tmp_path: Path, station: Station, kafka_server: EmbeddedKafka) -> Iterator[Reader]:
    """A reader next to a running instance without datasets."""
    bind = f"127.0.0.1:{free_port()}"
    (tmp_path / ".anden").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if re.fullmatch("ANDEN_DATABASE_[A-Z]+_URL", name)},
        "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap,
        "ANDEN_STATIC_ROOT": str(tmp_path / "static"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    write_environment(tmp_path / ".anden/environment", environment)
    with processes(environment, bind, tmp_path) as started:
        wait_for_health(f"http://{bind}/healthz", started, tmp_path)
        yield Reader(tmp_path, f"http://{bind}")
        assert [process.poll() for process in started] == [None, None], "one of them exited or was restarted"


def wait_for_health(url: str, started: list[subprocess.Popen[bytes]], logs: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own URL
                return
        except OSError:
            output = "".join(path.read_text() for path in logs.glob("*.log"))
            assert all(process.poll() is None for process in started), output
            assert time.monotonic() < deadline, output
            time.sleep(0.1)


def as_sent(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without Andén's own fields, its time parsed."""
    fields = {name: value for name, value in record.items() if not name.startswith("_")}
    return {**fields, "at": datetime.fromisoformat(fields["at"])}


def test_the_guide_leads_from_yaml_to_rows_over_http_without_code_or_restart(reader: Reader) -> None:
    environment, contract, apply, send, client, read, quarantine, leave = blocks()
    assert environment.text == ". .anden/environment\n"
    (reader.folder / "readings.yaml").write_text(contract.text, encoding="utf-8")
    output = reader.type(apply.text)
    assert "CREATE TABLE" in output
    assert "readings: applied, version 1" in output
    reader.type(send.text)
    assert "harbour-office.key" in reader.type(client.text)
    records = json.loads(reader.type_until(read.text, "0.412"))["records"]
    assert [as_sent(record) for record in records] == [
        {"buoy": "Nordre Røse", "at": datetime(2026, 3, 1, 7, tzinfo=UTC), "level": 0.533, "temperature": 3.25},
        {"buoy": "Nordre Røse", "at": datetime(2026, 3, 1, 6, tzinfo=UTC), "level": 0.412, "temperature": 3.5},
    ]
    output = reader.type_until(quarantine.text, "wrong_type")
    assert "level" in output
    reader.type(leave.text)
    assert json.loads(reader.type(read.text))["status"] == 401


def test_the_guide_has_exactly_the_blocks_that_the_test_runs() -> None:
    assert [block.kind for block in blocks()] == ["sh", "yaml", "sh", "sh", "sh", "sh", "sh", "sh"]
    assert GUIDE.count("```") == 2 * len(blocks())
