"""Each alert has its runbook and each runbook its alert; what a runbook tells somebody to type exists."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class

from apps.monitoring.alerts.alert import RecordingRule
from apps.monitoring.alerts.aws import AWS_ALERTS
from apps.monitoring.alerts.catalogue import ALERTS, RULE_FILES
from tests.unit.telemetry.test_metric import declared

DOCS = Path(__file__).parents[4] / "docs"
FOLDER = DOCS / "runbooks"
RUNBOOKS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(manage\.py [^`]+)`")
OURS = re.compile(r"\banden[_:][a-z0-9_:]+")
VARIABLE = re.compile(r"\bANDEN_[A-Z_]+\b")
ENDS = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}

EVERY = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def runbooks() -> dict[str, str]:
    """The name of each alert by its runbook's."""
    return {alert.runbook: alert.name for alert in ALERTS} | {alert.runbook: alert.name for alert in AWS_ALERTS}


def fenced(page: Path, kind: str) -> list[str]:
    return [text.strip() for found, text in FENCE.findall(page.read_text(encoding="utf-8")) if found == kind]


def commands(page: Path) -> Iterator[str]:
    """Everything of `manage.py` that the page tells somebody to type."""
    text = page.read_text(encoding="utf-8")
    yield from (line for block in fenced(page, "sh") for line in block.splitlines())
    yield from (" ".join(found.split()) for found in INLINE.findall(FENCE.sub("", text)))


def test_alerts_and_runbooks_are_the_same() -> None:
    assert {page.stem for page in RUNBOOKS} == set(runbooks())


@EVERY
def test_a_runbook_is_titled_by_its_alert_and_has_every_section(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {runbooks()[page.stem]}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 70


@EVERY
def test_every_command_of_a_runbook_would_be_taken(page: Path) -> None:
    asked = list(commands(page))
    for line in asked:
        program, name, *words = shlex.split(line)
        assert program == "manage.py"
        assert name in get_commands(), line
        command = load_command_class(get_commands()[name], name)
        try:
            command.create_parser("manage.py", name).parse_args(["1" if word == "ID" else word for word in words])
        except (CommandError, SystemExit) as error:
            pytest.fail(f"{line}: {error}")


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert sum(len(list(commands(page))) for page in RUNBOOKS) >= len(RUNBOOKS) / 2
    command = load_command_class(get_commands()["quarantine"], "quarantine")
    with pytest.raises((CommandError, SystemExit)):
        command.create_parser("manage.py", "quarantine").parse_args(["burn"])


@EVERY
def test_every_metric_of_a_runbook_is_declared_or_recorded(page: Path) -> None:
    rules = [rule for groups in RULE_FILES.values() for group in groups for rule in group.rules]
    recorded = {rule.metric.name for rule in rules if isinstance(rule, RecordingRule)}
    series = {metric.name + end for metric in declared() for end in ENDS[metric.kind]}
    assert {name for query in fenced(page, "promql") for name in OURS.findall(query)} <= series | recorded


@EVERY
def test_every_variable_of_a_runbook_is_a_setting(page: Path) -> None:
    settings = VARIABLE.findall((DOCS / "settings.md").read_text(encoding="utf-8"))
    entrypoint = VARIABLE.findall((DOCS.parent / "platform/entrypoint").read_text(encoding="utf-8"))
    named = {name for name in VARIABLE.findall(page.read_text(encoding="utf-8")) if not name.endswith("_")}
    assert named <= {*settings, *entrypoint}


def test_prometheus_takes_every_query_of_the_runbooks(require: Callable[[str], str], tmp_path: Path) -> None:
    queries = sorted({query for page in RUNBOOKS for query in fenced(page, "promql")})
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [require("promtool"), "check", "rules", "--lint=none", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(queries) > 20


def test_the_index_names_every_runbook_with_its_severities() -> None:
    rows = dict(
        re.findall(r"^\| \[\w+\]\(([\w-]+)\.md\) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    )
    told: dict[str, set[str]] = {}
    for name, severity in [*((a.runbook, a.severity) for a in ALERTS), *((a.runbook, a.severity) for a in AWS_ALERTS)]:
        told.setdefault(name, set()).add(severity)
    assert rows == {name: ", ".join(sorted(severities)) for name, severities in told.items()}
