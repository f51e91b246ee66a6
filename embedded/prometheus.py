"""A Prometheus for `make run`, if one is installed: it scrapes /metrics and evaluates the rendered rules."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from embedded.environment import ROOT
from embedded.ports import LOOPBACK, free_port
from embedded.process_manager import Program

PORT: Final = 9090
EVERY: Final = "5s"
KEPT: Final = "30d"
"""The length of an error budget's window."""
NOT_INSTALLED: Final = "not installed: install Debian's package prometheus and restart"


@dataclass(frozen=True)
class PrometheusProcess:
    """The process to run, if any, and its URL, or how to get one."""

    programs: tuple[Program, ...]
    location: str


def prometheus_process(folder: Path, web_port: int) -> PrometheusProcess:
    """Configure Prometheus, with data and configuration below the folder; no process if it is not installed."""
    program = shutil.which("prometheus")
    if program is None:
        return PrometheusProcess((), NOT_INSTALLED)
    listen = f"{LOOPBACK}:{free_port(PORT, taken=(web_port,))}"
    folder.mkdir(exist_ok=True)
    file = folder / "prometheus.json"
    # JSON is YAML, too.
    file.write_text(json.dumps(configuration({"anden": f"{LOOPBACK}:{web_port}", "prometheus": listen}), indent=2))
    command = (
        *(program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"),
        *(f"--web.listen-address={listen}", f"--storage.tsdb.retention.time={KEPT}"),
    )
    return PrometheusProcess((Program("prometheus", command),), f"http://{listen}")


def configuration(jobs: dict[str, str]) -> dict[str, Any]:
    """Prometheus's configuration: the scrape targets, by job, and the rule files."""
    return {
        "global": {
            "scrape_interval": EVERY,
            "evaluation_interval": EVERY,
            "external_labels": {"runbooks": str(ROOT / "docs/runbooks"), "grafana": f"http://{LOOPBACK}:3000"},
        },
        "rule_files": [str(ROOT / "dashboards/prometheus/*.rules.yaml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in jobs.items()
        ],
    }
