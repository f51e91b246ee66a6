"""Runs rules in promtool: a case is series, a time, and the alerts that fire then."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.requirement import skip_or_fail

RULES = Path(__file__).parents[4] / "dashboards/prometheus"


@dataclass(frozen=True)
class Case:
    """Series with one value per minute from the epoch on, and what fires at the time `at`.

    `fires` are the labels of each firing alert, without its name; empty: the alert does not fire.
    """

    alert: str
    why: str
    series: dict[str, str]
    at: str
    fires: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Question:
    """An expression and its expected samples at the time `at`: labels in braces, value."""

    expr: str
    at: str
    samples: dict[str, float] = field(default_factory=dict)


def labelled(**labels: str) -> str:
    """Labels in braces."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


def firing(case: Case) -> Question:
    """The expected ALERTS of the case. A comment names it, because promtool prints the expression."""
    chosen = {"alertname": case.alert, "alertstate": "firing"}
    samples = {f"ALERTS{labelled(**chosen, **labels)}": 1.0 for labels in case.fires}
    return Question(f"ALERTS{labelled(**chosen)} # {case.alert}: {case.why};", case.at, samples)


def run(
    folder: Path,
    tests: Sequence[tuple[dict[str, str], Sequence[Question]]],
    *,
    files: Sequence[str],
    alerts: Sequence[str] | None = None,
) -> str:
    """promtool's failures; empty if every question has the expected samples.

    `alerts` drops all other alerts of the files and keeps their recording rules.
    """
    paths = [RULES / f"{name}.rules.yaml" for name in files]
    if alerts is not None:
        paths = [only(folder, name, alerts) for name in files]
    return _verdict([written(folder / "test.yaml", paths, [_test(*test) for test in tests])])


def run_cases(folder: Path, cases_by_file: Mapping[str, Sequence[Case]]) -> str:
    """promtool's failures, in one run; empty if every case fires or not, as expected.

    Each case runs with the rules of its alert only, which saves time.
    """
    tests = []
    for name, cases in cases_by_file.items():
        for alert in sorted({case.alert for case in cases}):
            own = [case for case in cases if case.alert == alert]
            groups = [_test(case.series, [firing(case)]) for case in own]
            tests.append(written(folder / f"{alert}.test.yaml", [only(folder, name, [alert])], groups))
    return _verdict(tests)


def only(folder: Path, name: str, alerts: Sequence[str]) -> Path:
    """A copy of a rule file with these alerts only; recording rules stay."""
    groups = [
        {**group, "rules": [rule for rule in group["rules"] if rule.get("alert") in (None, *alerts)]}
        for group in _groups(name)
    ]
    path = folder / f"{name}-{'-'.join(alerts)}.rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}, sort_keys=False), encoding="utf-8")
    return path


@cache
def _groups(name: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load((RULES / f"{name}.rules.yaml").read_text(encoding="utf-8"))["groups"]
    return groups


def written(path: Path, rules: Sequence[Path], tests: Sequence[dict[str, object]]) -> Path:
    """Write the input of `promtool test rules`."""
    document = {"rule_files": [str(rule) for rule in rules], "evaluation_interval": "30s", "tests": tests}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _verdict(paths: Sequence[Path]) -> str:
    code, output = promtool(paths)
    return output if code else ""


def promtool(paths: Sequence[Path]) -> tuple[int, str]:
    """Exit code and output of one run over all files."""
    if shutil.which("promtool") is None:
        skip_or_fail("promtool is not installed (Debian: prometheus)")
    assert paths
    done = subprocess.run(["promtool", "test", "rules", *paths], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


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
