"""Several real processes share a metrics folder: nothing is counted twice, and dead processes leave nothing behind."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROOT: Final = Path(__file__).resolve().parents[3]

COMMON: Final = """
import os, sys
from pathlib import Path
from apps.telemetry import prometheus
from apps.telemetry.metric import Metric
prometheus.enable_multiprocess_metrics(Path(sys.argv[1]))
ROWS = Metric("anden_probe_rows_total", "Rows.", "counter", labels=("dataset",))
LAG = Metric("anden_probe_lag_records", "Lag.", "gauge")
BUSY = Metric("anden_probe_busy_workers", "Busy.", "gauge", merge="sum")
TOOK = Metric("anden_probe_took_seconds", "Seconds.", "histogram", buckets=(1.0, 2.0))
"""
# A line on stdin is one round of work; the reply means it is done.
WORKER: Final = (
    COMMON
    + """
for line in sys.stdin:
    prometheus.counter(ROWS).labels("flights").inc(int(line))
    prometheus.gauge(LAG).set(int(line))
    prometheus.gauge(BUSY).set(1)
    prometheus.histogram(TOOK).observe(1.5)
    print("done", flush=True)
"""
)
FORKING: Final = (
    COMMON
    + """
prometheus.counter(ROWS).labels("flights").inc()
child = os.fork()
prometheus.counter(ROWS).labels("flights").inc()
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""
)
EXPOSITION: Final = COMMON + "sys.stdout.buffer.write(prometheus.exposition()[0])"
Worker = subprocess.Popen[str]
Start = Callable[[], Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker on the folder; running ones are killed at the end."""
    with ExitStack() as stack:

        def one() -> Worker:
            worker = subprocess.Popen(
                [sys.executable, "-c", WORKER, str(tmp_path)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(worker)
            stack.callback(worker.kill)
            return worker

        yield one


def work(worker: Worker, rows: int) -> None:
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{rows}\n")
    worker.stdin.flush()
    assert worker.stdout.readline() == "done\n"


def run(script: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def sample(text: str, name: str, **labels: str) -> float | None:
    found = [
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == name and one.labels == labels
    ]
    return found[0] if found else None


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db")}


def test_the_exposition_of_any_process_adds_up_all_counters(start: Start, tmp_path: Path) -> None:
    first, second = start(), start()
    work(first, 3)
    work(second, 4)
    text = run(EXPOSITION, tmp_path)
    assert sample(text, "anden_probe_rows_total", dataset="flights") == 7
    assert sample(text, "anden_probe_took_seconds_count") == 2
    assert sample(text, "anden_probe_took_seconds_bucket", le="2.0") == 2
    assert sample(text, "anden_probe_took_seconds_bucket", le="1.0") == 0
    assert sample(text, "anden_probe_busy_workers") == 2
    assert sample(text, "anden_probe_lag_records") == 4


def test_a_killed_worker_leaves_its_counters_to_the_next_and_no_extra_file(start: Start, tmp_path: Path) -> None:
    first = start()
    work(first, 3)
    before = files(tmp_path)
    for rows in (4, 5):
        first.kill()
        first.wait()
        first = start()
        work(first, rows)
    assert files(tmp_path) == before
    assert sample(run(EXPOSITION, tmp_path), "anden_probe_rows_total", dataset="flights") == 12


def test_gauges_of_a_dead_process_disappear_and_its_counters_stay(start: Start, tmp_path: Path) -> None:
    first, second = start(), start()
    work(first, 3)
    work(second, 4)
    second.kill()
    second.wait()
    text = run(EXPOSITION, tmp_path)
    assert sample(text, "anden_probe_busy_workers") == 1
    assert sample(text, "anden_probe_lag_records") == 3
    assert sample(text, "anden_probe_rows_total", dataset="flights") == 7
    first.kill()
    first.wait()
    assert sample(run(EXPOSITION, tmp_path), "anden_probe_lag_records") is None


def test_a_forked_child_writes_its_own_file(tmp_path: Path) -> None:
    run(FORKING, tmp_path)
    assert files(tmp_path) == {"counter_0.db", "counter_1.db"}
    assert sample(run(EXPOSITION, tmp_path), "anden_probe_rows_total", dataset="flights") == 3


def test_an_empty_file_does_not_break_the_exposition(start: Start, tmp_path: Path) -> None:
    work(start(), 3)
    (tmp_path / "counter_9.db").touch()
    assert sample(run(EXPOSITION, tmp_path), "anden_probe_rows_total", dataset="flights") == 3


def test_a_folder_that_cannot_be_created_is_named_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "ANDEN_MONITORING_METRICS_FOLDER": str(tmp_path / "file" / "x"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ANDEN_MONITORING_METRICS_FOLDER" in done.stderr
    assert "Traceback" not in done.stderr
