"""The operations guides name existing commands, alerts, dashboards and values."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import botocore.session
import pytest
from botocore import xform_name
from django.core.management import CommandError, get_commands, load_command_class

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.aws import AWS_ALERTS, AwsAlert
from apps.monitoring.alerts.catalogue import ALERTS
from tests.infra.charts import anden
from tests.unit.docs.test_critical_points import alarms

ROOT = Path(__file__).parents[3]
GUIDES = {
    name: (ROOT / f"docs/guides/{name}.md").read_text("utf-8")
    for name in ("production", "lose-a-zone", "first-hour", "upgrade", "restore", "rotate-secrets")
}
RINGS: Final[tuple[Alert | AwsAlert, ...]] = (*ALERTS, *AWS_ALERTS)
FENCE = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
RUNBOOK = re.compile(r"\[(\w+)\]\(\.\./runbooks/([a-z-]+)\.md\)")
CODE = re.compile(r"`([^`\n]+)`")
PAGE = re.compile(r"(?<!\*)\*([A-Z][A-Za-z]+)\*(?!\*)")
KINDS: Final = {"deploy": "deployment", "job": "job", "scaledobject": "scaledobject"}
OBJECT = re.compile(r"\b(deploy|job|scaledobject)[ /]([a-z-]+)")
INLINE = re.compile(r"`manage\.py ([^`]+)`")
# The AWS CLI has commands besides the services' operations.
OWN_COMMANDS: Final = {("eks", "update-kubeconfig"): {"name", "region"}}

EVERY = pytest.mark.parametrize("guide", GUIDES)


def lines(guide: str) -> Iterator[list[str]]:
    """Each command of the guide's code blocks, split into words."""
    for block in FENCE.findall(GUIDES[guide]):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def managed(guide: str) -> Iterator[list[str]]:
    """The arguments of each `manage.py` command, in code blocks and in the text."""
    for words in lines(guide):
        if "manage" in words:
            yield words[words.index("manage") + 1 :]
    for inline in INLINE.findall(" ".join(GUIDES[guide].split())):
        yield shlex.split(inline)


@EVERY
def test_every_manage_command_is_valid(guide: str) -> None:
    for name, *words in managed(guide):
        assert name in get_commands()
        try:
            load_command_class(get_commands()[name], name).create_parser("manage.py", name).parse_args(words)
        except (CommandError, SystemExit) as error:
            pytest.fail(f"{name} {words}: {error}")


def test_there_are_manage_commands() -> None:
    assert sum(len(list(managed(guide))) for guide in GUIDES) >= 8


def options(service: str, operation: str) -> set[str]:
    """An AWS operation's options, as in the CLI. Raises StopIteration: it does not exist."""
    if (service, operation) in OWN_COMMANDS:
        return OWN_COMMANDS[service, operation]
    model = botocore.session.Session().get_service_model(service)
    name = next(name for name in model.operation_names if xform_name(name, "-") == operation)
    shape = model.operation_model(name).input_shape
    members = {} if shape is None else shape.members
    return {xform_name(member, "-") for member in members} | {
        f"no-{xform_name(member, '-')}" for member, kind in members.items() if kind.type_name == "boolean"
    }


@EVERY
def test_every_aws_command_is_an_operation_with_these_options(guide: str) -> None:
    for program, *words in lines(guide):
        if program == "aws":
            service, operation, *rest = words
            given = {word.removeprefix("--") for word in rest if word.startswith("--")}
            assert given - options(service, operation) == set(), f"aws {service} {operation}"


def test_there_are_aws_commands_and_an_unknown_one_is_detected() -> None:
    assert sum(words[0] == "aws" for guide in GUIDES for words in lines(guide)) >= 6
    assert "force-failover" in options("rds", "reboot-db-instance")
    assert "force" not in options("rds", "reboot-db-instance")
    with pytest.raises(StopIteration):
        options("rds", "explode")


@EVERY
def test_every_runbook_is_linked_by_its_alerts_name(guide: str) -> None:
    by_runbook = {alert.runbook: alert.name for alert in RINGS}
    assert [(name, page) for name, page in RUNBOOK.findall(GUIDES[guide]) if by_runbook.get(page) != name] == []


@EVERY
def test_every_object_in_the_cluster_that_is_named_is_one_of_the_charts(guide: str) -> None:
    rendered = {f"{made['kind'].lower()}/{made['metadata']['name']}" for made in anden("prod")}
    text = " ".join(" ".join(words) for words in lines(guide) if words[:3] == ["kubectl", "-n", "anden"])
    named = {f"{KINDS[kind]}/{name}" for kind, name in OBJECT.findall(text)}
    assert named or "deploy" not in text
    assert named - rendered == set()


def test_the_first_hour_links_the_runbook_of_every_paging_alert() -> None:
    table = GUIDES["first-hour"].partition("## Symptom")[2].partition("\n## ")[0]
    waking = {alert.name for alert in RINGS if alert.severity == "page"}
    assert waking - {name for name, _ in RUNBOOK.findall(table)} == set()


@pytest.mark.parametrize("guide", ["production", "first-hour"])
def test_every_named_dashboard_exists(guide: str) -> None:
    files = (ROOT / "dashboards/grafana").glob("*.json")
    titles = {json.loads(path.read_text("utf-8"))["title"].removeprefix("Andén · ") for path in files}
    cells = [cell for line in GUIDES[guide].splitlines() if line.startswith("|") for cell in PAGE.findall(line)]
    assert cells
    # CloudWatch's state of an inactive alarm.
    assert set(cells) - {"OK"} - titles == set()


def test_every_alarm_that_is_named_exists() -> None:
    table = GUIDES["lose-a-zone"].partition("## Which alerts fire")[2].partition("\n## ")[0]
    named = {span for span in CODE.findall(table) if re.fullmatch(r"[a-z]+(-[a-z]+)+", span)}
    assert named
    assert named - alarms() == set()


def test_the_times_of_a_zone_failure_match_the_values() -> None:
    guide = GUIDES["lose-a-zone"]
    edge = (ROOT / "terraform/modules/edge/main.tf").read_text("utf-8")
    check = edge.partition("health_check {")[2].partition("}")[0]
    looks, apart = (int(re.findall(rf"{name}\s+= (\d+)", check)[0]) for name in ("unhealthy_threshold", "interval"))
    assert f"| 0:{looks * apart:02} | Three failed checks of `/readyz`, ten seconds apart" in guide
    assert (looks, apart) == (3, 10)
    row = next(
        line for line in (ROOT / "docs/settings.md").read_text("utf-8").splitlines() if "SESSION_TIMEOUT_MS" in line
    )
    seconds = int(CODE.findall(row)[1]) // 1000
    assert f"| 0:{seconds:02} | Workers in that zone miss their session" in guide
    kafka = (ROOT / "terraform/modules/kafka/main.tf").read_text("utf-8")
    assert "min.insync.replicas=2\n" in kafka
    assert "`min.insync.replicas=2`" in guide


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_guides_quote_the_values_of_an_environment(environment: str) -> None:
    values = re.sub(r" +", " ", (ROOT / f"terraform/environments/{environment}.tfvars").read_text("utf-8"))
    part = {
        "dev": GUIDES["lose-a-zone"].partition("## What dev loses")[2].partition("\n## ")[0],
        "prod": GUIDES["production"].partition("## Before traffic")[2],
    }[environment]
    quoted = [span for span in CODE.findall(part) if re.fullmatch(r'[a-z_]+ = ("?\w+"?)', span)]
    assert len(quoted) >= 3
    assert [span for span in quoted if span not in values] == []


def test_production_names_every_required_value() -> None:
    root = (ROOT / "terraform/aws/variables.tf").read_text("utf-8")
    needed = {
        body.partition('"')[0]
        for body in root.split('variable "')[1:]
        if not re.search(r"^  default\s+=", body, re.MULTILINE)
    }
    given = [
        set(
            re.findall(
                r"^([a-z_]+) += ", (ROOT / f"terraform/environments/{name}.tfvars").read_text("utf-8"), re.MULTILINE
            )
        )
        for name in ("dev", "prod")
    ]
    named = set(CODE.findall(GUIDES["production"]))
    assert len(needed) > 15
    assert needed - set.intersection(*given) - named == set()


def test_every_secret_that_a_person_writes_is_created_by_terraform() -> None:
    modules = "".join(path.read_text("utf-8") for path in (ROOT / "terraform/modules").glob("*/*.tf"))
    named = set(re.findall(r"\banden-dev/([a-z-]+/[a-z-]+)", GUIDES["production"]))
    assert len(named) == 3
    assert [name for name in named if f'"{name}"' not in modules and f'/{name}"' not in modules] == []
    key = re.findall(r"`alerting: \{remoteKey: ([a-z-]+/[a-z-]+)\}`", GUIDES["production"])
    assert key
    assert set(key) <= named


def test_production_names_the_values_of_the_clusters_root() -> None:
    root = (ROOT / "terraform/cluster/variables.tf").read_text("utf-8")
    bodies = [body for body in root.split('variable "')[1:] if not re.search(r"^  default\s+=", body, re.MULTILINE)]
    assert bodies
    assert {body.partition('"')[0] for body in bodies} <= set(CODE.findall(GUIDES["production"]))


def test_the_index_lists_every_guide_with_its_purpose() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| (.*\(guides/([a-z-]+)\.md\).*) \|$",
        (ROOT / "docs/README.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert {name for _, _, name in rows} >= {path.stem for path in (ROOT / "docs/guides").glob("*.md")}
    assert [name for what, _, name in rows if not what.strip()] == []
