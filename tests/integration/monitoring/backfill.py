"""Recording rules over synthetic history, each group at its own interval, in a real Prometheus.

`promtool test rules` evaluates every group at one interval, so it cannot show what a two-minute rule makes of a
half-minute rule. `promtool tsdb create-blocks-from rules` keeps the intervals but reads only stored series, so rules
are evaluated in layers.
"""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from embedded.ports import LOOPBACK, free_port
from tests.acceptance.monitoring.prometheus_server import process, wait_for

ROOT: Final = Path(__file__).resolve().parents[3]
RECORDINGS: Final = ROOT / "dashboards/prometheus/recordings.rules.yaml"
BEGUN_S: Final = 1_699_999_200
"""The start of the history, arbitrary."""
SCRAPED_S: Final = 15

Samples = Sequence[float | None]
"""One value per SCRAPED_S; None without a scrape."""


@dataclass(frozen=True)
class Past:
    """A Prometheus with the history and the recorded series."""

    url: str

    def value(self, query: str, at_s: float) -> float | None:
        """The single sample of the query `at_s` seconds after the start; None if there is no sample."""
        found = self.samples(query, at_s)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def samples(self, query: str, at_s: float) -> list[Any]:
        """Every series of the query `at_s` seconds after the start."""
        words = urllib.parse.urlencode({"query": query, "time": BEGUN_S + at_s})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{words}", timeout=60) as response:  # noqa: S310 - a local URL
            found: list[Any] = json.load(response)["data"]["result"]
        return found


@contextmanager
def past(folder: Path, series: Mapping[str, Samples], *, slo: str) -> Iterator[Past]:
    """A Prometheus with these series and what the objective's rules record from them."""
    data = folder / "data"
    data.mkdir()
    scraped = folder / "scraped.om"
    scraped.write_text(_openmetrics(series))
    _promtool("tsdb", "create-blocks-from", "openmetrics", str(scraped), str(data))
    length_s = SCRAPED_S * max(len(samples) for samples in series.values())
    for number, layer in enumerate(_layers(slo)):
        rules = folder / "recordings.rules.yaml"
        rules.write_text(yaml.safe_dump({"groups": layer}))
        with _prometheus(folder, number) as url:
            _promtool(
                *("tsdb", "create-blocks-from", "rules", f"--url={url}", f"--output-dir={data}"),
                *(f"--start={BEGUN_S}", f"--end={BEGUN_S + length_s}", str(rules)),
            )
    with _prometheus(folder, "last") as url:
        yield Past(url)


def _openmetrics(series: Mapping[str, Samples]) -> str:
    lines = ["# TYPE anden_api_requests counter"]
    for name, samples in series.items():
        lines += [
            f"{name} {value:g} {BEGUN_S + SCRAPED_S * number}"
            for number, value in enumerate(samples)
            if value is not None
        ]
    return "\n".join([*lines, "# EOF", ""])


def _layers(slo: str) -> Iterator[list[dict[str, Any]]]:
    """The groups layer by layer, each with the rules whose inputs are already recorded."""
    groups = yaml.safe_load(RECORDINGS.read_text())["groups"]
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule.get("labels", {}).get("slo", slo) == slo]
    left = [rule["record"] for group in groups for rule in group["rules"]]
    while left:
        ready = [
            {**group, "rules": [rule for rule in group["rules"] if not any(name in rule["expr"] for name in left)]}
            for group in groups
        ]
        done = {rule["record"] for group in ready for rule in group["rules"]}
        assert done, f"rules with circular inputs: {left}"
        yield [group for group in ready if group["rules"]]
        for group in groups:
            group["rules"] = [rule for rule in group["rules"] if rule["record"] not in done]
        left = [name for name in left if name not in done]


@contextmanager
def _prometheus(folder: Path, name: object) -> Iterator[str]:
    (folder / "prometheus.yaml").write_text("{}")
    listen, log = f"{LOOPBACK}:{free_port()}", folder / f"{name}.log"
    command = [
        *("prometheus", f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address={listen}", "--storage.tsdb.retention.time=100y"),
    ]
    with process(command, log):
        wait_for(f"http://{listen}/-/ready", log)
        yield f"http://{listen}"


def _promtool(*words: str) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
