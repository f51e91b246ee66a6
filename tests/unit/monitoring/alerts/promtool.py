"""Running rules in Prometheus's own engine: a case is series, a moment, and which alerts fire then."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.lacking import lacking

RULES = Path(__file__).parents[4] / "dashboards/prometheus"


@dataclass(frozen=True)
class Case:
    """What Prometheus sees, one value a minute from the epoch on, and what fires at the moment.

    `fires` are the labels of each alert that fires, besides its name; empty: it stays silent.
    """

    alert: str
    why: str
    series: dict[str, str]
    at: str
    fires: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Question:
    """An expression and the samples that it has at the moment: labels in braces, value."""

    expr: str
    at: str
    samples: dict[str, float] = field(default_factory=dict)


def labelled(**labels: str) -> str:
    """Labels in braces."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


def firing(case: Case) -> Question:
    """What ALERTS must hold for the case."""
    chosen = {"alertname": case.alert, "alertstate": "firing"}
    samples = {f"ALERTS{labelled(**chosen, **labels)}": 1.0 for labels in case.fires}
    return Question(f"ALERTS{labelled(**chosen)}", case.at, samples)


def run(folder: Path, tests: Sequence[tuple[dict[str, str], Sequence[Question]]], *, files: Sequence[str]) -> str:
    """What promtool says against it; empty when every question is answered as expected."""
    if shutil.which("promtool") is None:
        lacking("promtool is not installed (Debian: prometheus)")
    document = {
        "rule_files": [str(RULES / f"{name}.rules.yaml") for name in files],
        "evaluation_interval": "30s",
        "tests": [_test(series, questions) for series, questions in tests],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _test(series: dict[str, str], questions: Sequence[Question]) -> dict[str, object]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": question.expr,
                "eval_time": question.at,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in question.samples.items()],
            }
            for question in questions
        ],
    }
