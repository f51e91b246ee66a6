"""Two Prometheus servers with the same data: the fake, and a real one that promtool filled."""

import math
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.ports import free_port
from tests.fakes.prometheus import FakePrometheus, FakeSeries, serving
from tests.requirement import skip_or_fail

UP_WITHIN_S = 60.0


@dataclass(frozen=True)
class Laid:
    """A series to load into Prometheus."""

    metric: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


@contextmanager
def fake(series: Sequence[Laid]) -> Iterator[str]:
    """The URL of a fake that holds the series; its queries are metric names."""
    results: dict[str, list[FakeSeries]] = {}
    for laid in series:
        labels = {"__name__": laid.metric, **laid.labels}
        results.setdefault(laid.metric, []).append(FakeSeries(labels, laid.samples))
    with serving(FakePrometheus(results)) as url:
        yield url


@contextmanager
def real(series: Sequence[Laid], folder: Path) -> Iterator[str]:
    """The URL of a real Prometheus that holds the series."""
    programs = [shutil.which(name) for name in ("prometheus", "promtool")]
    if None in programs:
        skip_or_fail("prometheus is missing: install the package prometheus")
    prometheus, promtool = map(str, programs)
    backfill(promtool, series, folder)
    (folder / "prometheus.yml").write_text("global: {}\n")
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                prometheus,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=60d",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/-/ready", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def backfill(promtool: str, series: Sequence[Laid], folder: Path) -> None:
    """Create blocks of the series below the folder."""
    lines: list[str] = []
    for metric in dict.fromkeys(laid.metric for laid in series):
        lines.append(f"# TYPE {metric} gauge")
        for laid in series:
            if laid.metric == metric:
                labels = ",".join(f'{name}="{value}"' for name, value in laid.labels.items())
                lines += [f"{metric}{{{labels}}} {_sample_text(value)} {at_s:.3f}" for at_s, value in laid.samples]
    text = folder / "series.txt"
    text.write_text("\n".join([*lines, "# EOF\n"]))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(text), str(folder / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _sample_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "+Inf"


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
