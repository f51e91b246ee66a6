"""The watchdog, in processes of their own: it ends them, and the timer is one a process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import re, sys, threading, time
from apps.ingest.adapters.watchdog import Watchdog

def hang():
    re.match(r"^(\\w+\\s?)*$", "a" * 60 + "!")

def count():
    10 ** 10 ** 9

def wait(seconds=60.0):
    threading.Event().wait(seconds)

def deaf():
    while True:
        wait(1.0)

asked = threading.Event()
with Watchdog(asked.set, limit_s={limit}, grace_s={grace}):
    print("ready", flush=True)
    {body}
print("left", flush=True)
"""


def started(body: str, *, limit: float = 2.0, grace: float = 9.0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body, limit=limit, grace=grace)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("body", ["hang", "count"])
def test_c_code_that_holds_the_interpreter_ends_the_process_and_the_log_says_where(body: str) -> None:
    process = started(f"{body}()")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "left" not in out
    assert f"in {body}" in err


@pytest.mark.parametrize("body", ["wait(6.0)", "time.sleep(6.0)", "[wait(0.5) for _ in range(12)]"])
def test_waiting_for_longer_than_the_limit_is_no_hang(body: str) -> None:
    process = started(body)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "left\n", "")


def test_a_process_that_is_asked_to_leave_leaves_in_order() -> None:
    process = started("asked.wait(60)")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "left\n", "")


LEAVING = "leaving without it"


@pytest.mark.parametrize(("body", "said"), [("hang()", "in hang"), ("deaf()", LEAVING), ("time.sleep(600)", LEAVING)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_cannot_leave_ends_within_ten_seconds(body: str, said: str, number: signal.Signals) -> None:
    process = started(body, limit=8.0)
    process.send_signal(number)
    asked_s = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert time.monotonic() - asked_s < 10
    assert said in err
