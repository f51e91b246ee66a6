"""The watchdog, in separate processes: it kills them, and each process has only one timer."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


def test_c_code_that_blocks_the_interpreter_kills_the_process_with_its_stack_in_the_log() -> None:
    for body, process in [(body, started(f"{body}()")) for body in ("hang", "count")]:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1, body
        assert "left" not in out
        assert f"in {body}" in err


def test_waiting_longer_than_the_limit_is_not_a_hang() -> None:
    bodies = ["wait(6.0)", "time.sleep(6.0)", "[wait(0.5) for _ in range(12)]"]
    for body, process in [(body, started(body)) for body in bodies]:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "left\n", ""), body


def test_a_process_that_receives_a_signal_exits_cleanly() -> None:
    process = started("asked.wait(60)")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "left\n", "")


def test_a_process_that_cannot_stop_exits_within_ten_seconds() -> None:
    deaf = "exiting without it"
    cases = [
        (body, output, number)
        for body, output in (("hang()", "in hang"), ("deaf()", deaf), ("time.sleep(600)", deaf))
        for number in (signal.SIGTERM, signal.SIGINT)
    ]
    processes = [started(body, limit=8.0) for body, _, _ in cases]
    asked_s = []
    for process, (_, _, number) in zip(processes, cases, strict=True):
        process.send_signal(number)
        asked_s.append(time.monotonic())
    with ThreadPoolExecutor(len(cases)) as pool:
        ends = list(pool.map(ended, processes))
    for (body, output, number), process, asked, (end, err) in zip(cases, processes, asked_s, ends, strict=True):
        assert process.returncode == 1, (body, number)
        assert end - asked < 10, (body, number)
        assert output in err


def ended(process: subprocess.Popen[str]) -> tuple[float, str]:
    """The time at which the process exited, and its output."""
    _, err = process.communicate(timeout=60)
    return time.monotonic(), err
