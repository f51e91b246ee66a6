""".ci/run: who interrupts it ends all of it, and it says what each stage cost."""

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
trap 'echo ended >"$0.said"; exit 2' INT
echo begun >"$0.said"
while :; do sleep 0.05; done
"""
# What it begins is nobody's child when it works for a second of CPU time.
DAEMON = """
(
  timeout 60 python3 -c 'while __import__("time").process_time() < 1: pass' &
  echo $! >"$0.daemon"
)
while kill -0 "$(cat "$0.daemon")" 2>/dev/null; do sleep 0.05; done
"""


def run(folder: Path, make: str, *words: str) -> "subprocess.Popen[str]":
    """.ci/run with a program in the place of `make`, and without installing anything."""
    for name, text in (("make", make), ("id", "echo 1000")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTEST_ARGS": ""}
    # A terminal sends the signal to the group; whoever started these tests may have it ignored.
    command = ["env", "--default-signal=INT", str(RUN), *words]
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def until(said: Path, word: str) -> None:
    deadline = time.monotonic() + 30
    while not said.exists() or said.read_text(encoding="utf-8").strip() != word:
        assert time.monotonic() < deadline, f"nothing has {word}"
        time.sleep(0.05)


def test_an_interrupt_ends_what_runs_and_is_told(tmp_path: Path) -> None:
    with run(tmp_path, ENDLESS, "test") as one:
        try:
            until(tmp_path / "make.said", "begun")
            os.killpg(one.pid, signal.SIGINT)
            until(tmp_path / "make.said", "ended")
            assert one.wait(30) == 130
        finally:
            for process in (*psutil.Process(one.pid).children(recursive=True), one) if one.poll() is None else ():
                process.kill()


@pytest.mark.parametrize(("make", "code"), [("exit 0", 0), ('[ "$1" = test ]', 1)])
def test_each_stage_is_told_with_its_cost_however_it_ends(tmp_path: Path, make: str, code: int) -> None:
    with run(tmp_path, make, "lint", "test") as one:
        said, _ = one.communicate(timeout=60)
    assert one.returncode == code
    rows = re.findall(r"^(.+?) +(\d+) +(\d+)$", said, flags=re.MULTILINE)
    stages = ["make lint", *(["collection", "make test"] if code == 0 else []), "all"]
    assert [name for name, _, _ in rows] == ["environment", *stages]


def test_a_stage_s_cost_counts_what_its_processes_leave_behind(tmp_path: Path) -> None:
    with run(tmp_path, DAEMON, "lint") as one:
        said, _ = one.communicate(timeout=60)
    row = re.search(r"^make lint +\d+ +(\d+)$", said, flags=re.MULTILINE)
    assert row, said
    assert int(row[1]) >= 1
