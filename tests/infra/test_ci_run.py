""".ci/run stops everything on an interrupt and reports the cost of each stage."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

RUN = Path(__file__).parents[2] / ".ci/run"
ENDLESS = """
trap 'echo ended >"$0.log"; exit 2' INT
echo begun >"$0.log"
while :; do sleep 0.05; done
"""
# Its child is orphaned before it uses a second of CPU time.
DAEMON = """
(
  timeout 60 python3 -c 'while __import__("time").process_time() < 1: pass' &
  echo $! >"$0.daemon"
)
while kill -0 "$(cat "$0.daemon")" 2>/dev/null; do sleep 0.05; done
"""


def run(folder: Path, make: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start .ci/run with a fake `make`, and without installing anything."""
    for name, text in (("make", make), ("id", "echo 1000")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTEST_ARGS": ""}
    # A terminal signals the process group; SIGINT may be ignored in the tests' parent.
    command = ["env", "--default-signal=INT", str(RUN), *arguments]
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def until(output: Path, word: str) -> None:
    deadline = time.monotonic() + 30
    while not output.exists() or output.read_text(encoding="utf-8").strip() != word:
        assert time.monotonic() < deadline, f"not {word} in time"
        time.sleep(0.05)


def test_an_interrupt_stops_the_running_stage_and_is_reported(tmp_path: Path) -> None:
    with run(tmp_path, ENDLESS, "test") as one:
        try:
            until(tmp_path / "make.log", "begun")
            os.killpg(one.pid, signal.SIGINT)
            until(tmp_path / "make.log", "ended")
            assert one.wait(30) == 130
        finally:
            for process in (*psutil.Process(one.pid).children(recursive=True), one) if one.poll() is None else ():
                process.kill()


@pytest.mark.parametrize(("make", "code"), [("exit 0", 0), ('[ "$1" = test ]', 1)])
def test_each_stage_is_reported_with_its_cost_on_success_and_failure(tmp_path: Path, make: str, code: int) -> None:
    with run(tmp_path, make, "lint", "test") as one:
        output, _ = one.communicate(timeout=60)
    assert one.returncode == code
    rows = re.findall(r"^(.+?) +(\d+) +(\d+)$", output, flags=re.MULTILINE)
    stages = ["make lint", *(["collection", "make test"] if code == 0 else []), "all"]
    assert [name for name, _, _ in rows] == ["environment", *stages]


def test_a_stages_cost_includes_orphaned_processes(tmp_path: Path) -> None:
    with run(tmp_path, DAEMON, "lint") as one:
        output, _ = one.communicate(timeout=60)
    row = re.search(r"^make lint +\d+ +(\d+)$", output, flags=re.MULTILINE)
    assert row, output
    assert int(row[1]) >= 1
