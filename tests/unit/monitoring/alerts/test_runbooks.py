"""Every alert has a runbook and vice versa; commands, metrics and settings in runbooks exist."""

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
ANDEN_METRIC = re.compile(r"\banden[_:][a-z0-9_:]+")
VARIABLE = re.compile(r"\bANDEN_[A-Z_]+\b")
ENDS = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}

EVERY = pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda runbook: runbook.stem)


def runbooks() -> dict[str, str]:
    """Alert names by runbook name."""
    return {alert.runbook: alert.name for alert in ALERTS} | {alert.runbook: alert.name for alert in AWS_ALERTS}


def fenced(runbook: Path, kind: str) -> list[str]:
    return [text.strip() for found, text in FENCE.findall(runbook.read_text(encoding="utf-8")) if found == kind]


def commands(runbook: Path) -> Iterator[str]:
    """Every `manage.py` command in the runbook."""
    text = runbook.read_text(encoding="utf-8")
    yield from (line for block in fenced(runbook, "sh") for line in block.splitlines())
    yield from (" ".join(found.split()) for found in INLINE.findall(FENCE.sub("", text)))


def test_every_alert_has_a_runbook_and_vice_versa() -> None:
    assert {runbook.stem for runbook in RUNBOOKS} == set(runbooks())


@EVERY
def test_runbook_has_its_alert_as_title_and_every_section(runbook: Path) -> None:
    text = runbook.read_text(encoding="utf-8")
    assert text.startswith(f"# {runbooks()[runbook.stem]}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 70


@EVERY
def test_every_command_of_a_runbook_parses(runbook: Path) -> None:
    asked = list(commands(runbook))
    for line in asked:
        program, name, *words = shlex.split(line)
        assert program == "manage.py"
        assert name in get_commands(), line
        command = load_command_class(get_commands()[name], name)
        try:
            command.create_parser("manage.py", name).parse_args(["1" if word == "ID" else word for word in words])
        except (CommandError, SystemExit) as error:
            pytest.fail(f"{line}: {error}")


def test_unknown_command_is_detected() -> None:
    assert sum(len(list(commands(runbook))) for runbook in RUNBOOKS) >= len(RUNBOOKS) / 2
    command = load_command_class(get_commands()["quarantine"], "quarantine")
    with pytest.raises((CommandError, SystemExit)):
        command.create_parser("manage.py", "quarantine").parse_args(["burn"])


@EVERY
def test_every_metric_of_a_runbook_is_declared_or_recorded(runbook: Path) -> None:
    rules = [rule for groups in RULE_FILES.values() for group in groups for rule in group.rules]
    recorded = {rule.metric.name for rule in rules if isinstance(rule, RecordingRule)}
    series = {metric.name + end for metric in declared() for end in ENDS[metric.kind]}
    assert {name for query in fenced(runbook, "promql") for name in ANDEN_METRIC.findall(query)} <= series | recorded


@EVERY
def test_every_variable_of_a_runbook_is_a_setting(runbook: Path) -> None:
    settings = VARIABLE.findall((DOCS / "settings.md").read_text(encoding="utf-8"))
    entrypoint = VARIABLE.findall((DOCS.parent / "platform/entrypoint").read_text(encoding="utf-8"))
    named = {name for name in VARIABLE.findall(runbook.read_text(encoding="utf-8")) if not name.endswith("_")}
    assert named <= {*settings, *entrypoint}


def test_promtool_accepts_every_query_of_the_runbooks(require: Callable[[str], str], tmp_path: Path) -> None:
    queries = sorted({query for runbook in RUNBOOKS for query in fenced(runbook, "promql")})
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [require("promtool"), "check", "rules", "--lint=none", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(queries) > 20


def test_index_lists_every_runbook_with_its_severities() -> None:
    rows = dict(
        re.findall(r"^\| \[\w+\]\(([\w-]+)\.md\) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    )
    expected: dict[str, set[str]] = {}
    for name, severity in [*((a.runbook, a.severity) for a in ALERTS), *((a.runbook, a.severity) for a in AWS_ALERTS)]:
        expected.setdefault(name, set()).add(severity)
    assert rows == {name: ", ".join(sorted(severities)) for name, severities in expected.items()}
