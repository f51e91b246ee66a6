"""A removed series of a gauge is not exposed, whether processes share a folder or not."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from apps.telemetry import prometheus
from apps.telemetry.metric import Metric

prometheus.enable_multiprocess_metrics(Path(sys.argv[1]) if sys.argv[1] else None)
metric = Metric("anden_try_value", "A try.", "gauge", labels=("resource",))
prometheus.gauge(metric).labels("gone").set(1)
prometheus.gauge(metric).labels("kept").set(2)
prometheus.remove_series(metric, "gone")
prometheus.remove_series(metric, "never set")
lines = [line for line in prometheus.exposition()[0].decode().splitlines() if line.startswith("anden_try")]
prometheus.gauge(metric).labels("gone").set(3)
print(lines, [line for line in prometheus.exposition()[0].decode().splitlines() if "gone" in line])
"""


@pytest.mark.parametrize("shared", [False, True])
def test_a_removed_series_is_not_exposed_until_it_is_set_again(tmp_path: Path, *, shared: bool) -> None:
    folder = str(tmp_path) if shared else ""
    output = subprocess.run([sys.executable, "-c", SCRIPT, folder], capture_output=True, text=True, check=True).stdout
    assert output.strip() == """['anden_try_value{resource="kept"} 2.0'] ['anden_try_value{resource="gone"} 3.0']"""
