"""dev is applied to an emulator of AWS, its passwords are changed, and it is destroyed: what was written, what stays.

The slow stage: some three minutes, of which the load balancer and the queues take the most by waiting. Left out,
because the emulator refuses them or the provider waits too long, is what tests/infra/emulated/stand_ins names; tests
with a mocked provider look at those.
"""

import base64
import json
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import hcl2
import pytest

from tests.infra.delivery.scripts import script
from tests.infra.emulated.emulator import REGION, Emulator, emulator
from tests.infra.emulated.inventory import KINDS, added, inventory
from tests.infra.mirror import init, terraform

ROOT: Final = Path(__file__).parents[3]
STAND_INS: Final = Path(__file__).with_name("stand_ins")
PASSWORD_LENGTH: Final = 48
ROLES: Final = {"owner", "app", "ingest", "reader", "writer", "analyst", "monitor"}
# In a fresh account none of these is there by itself; each must be there once dev stands.
EXPECTED: Final = set(KINDS) - {"databases", "snapshots", "firewalls", "domain names"}

# Lines of the guide of costs whose count is that of a resource.
PRICED: Final = {
    "EKS control plane": "aws_eks_cluster",
    "NAT gateways": "aws_nat_gateway",
    "Public addresses of NAT": "aws_eip",
    "Load balancer": "aws_lb",
    "WAF, list": "aws_wafv2_web_acl",
    "KMS keys": "aws_kms_key",
    "CloudWatch alarms": "aws_cloudwatch_metric_alarm",
    "ECR": "aws_ecr_repository",
}

# The stage waits for what AWS's provider waits for, whatever the emulator says at once.
pytestmark = pytest.mark.timeout(600)


@dataclass(slots=True)
class Station:
    """dev on an emulator: the copy that it is applied from, and all that Terraform has printed so far."""

    cloud: Emulator
    folder: Path
    before: dict[str, set[str]]
    printed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        """What Terraform prints; it must succeed."""
        begun = time.monotonic()
        done = subprocess.run(
            [terraform(), *words, "-no-color"],
            cwd=self.folder,
            env=self.cloud.surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.printed.append(done.stdout)
        self.seconds[" ".join(words[:2])] = time.monotonic() - begun
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def give(self, password_version: int) -> None:
        """Write what no file of values knows, and the version of the passwords."""
        text = (ROOT / "terraform/environments/dev.tfvars").read_text(encoding="utf-8")
        postgres = unquoted(hcl2.loads(text)["postgres"])
        values = surroundings_of_dev(self.cloud) | {"postgres": postgres | {"password_version": password_version}}
        (self.folder / "emulated.auto.tfvars.json").write_text(json.dumps(values), encoding="utf-8")

    def state(self) -> str:
        """The state, as it lies there."""
        return (self.folder / "terraform.tfstate").read_text(encoding="utf-8")


def unquoted(value: Any) -> Any:
    """Values of HCL as Python has them: some versions of the parser leave the quotes."""
    if isinstance(value, dict):
        return {str(key).strip('"'): unquoted(one) for key, one in value.items() if not str(key).startswith("__")}
    return value.strip('"') if isinstance(value, str) else value


def surroundings_of_dev(cloud: Emulator) -> dict[str, object]:
    """What the owner of a station fills in."""
    zones = cloud.client("route53").list_hosted_zones()["HostedZones"]
    return {
        "zone_id": zones[0]["Id"].removeprefix("/hostedzone/"),
        "cluster_access": {
            "operators": {"principal_arn": "arn:aws:iam::000000000000:role/operators", "access": "admin"}
        },
        "emails": ["station@example.org"],
        "github_repository": "example/anden",
        "terraform_cloud": {"organization": "example", "project": "anden", "workspaces": ["anden-dev-aws"]},
    }


def own_zone(cloud: Emulator) -> None:
    """Make the hosted zone; the emulator draws its id, and Route 53's begin with a Z."""
    route53 = cloud.client("route53")
    for attempt in range(1000):
        made = route53.create_hosted_zone(Name="dev.data.example.org", CallerReference=str(attempt))
        if made["HostedZone"]["Id"].startswith("/hostedzone/Z"):
            return
        route53.delete_hosted_zone(Id=made["HostedZone"]["Id"])
    raise AssertionError("the emulator draws no id that begins with a Z")


def copied(folder: Path) -> Path:
    """The root in a copy of the tree, with stand-ins for what the emulator refuses, and made ready."""
    for name in ("terraform", "dashboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".terraform"))
    shutil.copytree(STAND_INS, folder / "terraform", dirs_exist_ok=True)
    root = folder / "terraform/aws"
    shutil.copy(root.parent / "environments/dev.tfvars", root / "dev.auto.tfvars")
    return root


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """dev, applied."""
    folder = tmp_path_factory.mktemp("emulated")
    root = copied(folder)
    init(root, backend=True)
    with emulator(folder) as cloud:
        own_zone(cloud)
        one = Station(cloud, root, inventory(cloud.client))
        one.give(password_version=1)
        one.run("plan", "-input=false", "-out=plan")
        one.run("apply", "-input=false", "-parallelism=30", "plan")
        yield one


def secrets(cloud: Emulator) -> dict[str, str]:
    """What is secret in each secret that Terraform has written, by name: a role's password, or the whole string."""
    manager = cloud.client("secretsmanager")
    written = {}
    for one in manager.list_secrets(MaxResults=100)["SecretList"]:
        if manager.list_secret_version_ids(SecretId=one["Name"])["Versions"]:
            text = manager.get_secret_value(SecretId=one["Name"])["SecretString"]
            written[one["Name"]] = json.loads(text)["password"] if "/postgres/" in one["Name"] else text
    return written


def usernames(cloud: Emulator) -> dict[str, str]:
    """Name of each database role, as its secret says."""
    manager = cloud.client("secretsmanager")
    names = {role: f"anden-dev/postgres/{role}" for role in ROLES}
    return {
        role: json.loads(manager.get_secret_value(SecretId=name)["SecretString"])["username"]
        for role, name in names.items()
    }


def holding(value: str, texts: Iterable[str]) -> list[int]:
    """Which of the texts hold the value, plain, or in base64 wherever it begins."""
    raw = value.encode()
    coded = [base64.b64encode(bytes(skip) + raw).decode()[4 if skip else 0 : -4] for skip in range(3)]
    return [number for number, text in enumerate(texts) if any(form in text for form in (value, *coded))]


def counted(what: str, printed: str) -> int:
    found = re.search(rf"(\d+) {what}", printed)
    assert found, f"Terraform did not say how many were {what}"
    return int(found[1])


@pytest.mark.property(10)
def test_dev_is_applied(station: Station, evidence: Callable[[str], None]) -> None:
    made = counted("added", station.printed[-1])
    held = [one for one in json.loads(station.state())["resources"] if one["mode"] == "managed"]
    assert made == sum(len(one["instances"]) for one in held)
    assert counted("to add", station.printed[0]) == made
    assert EXPECTED - set(added(station.before, inventory(station.cloud.client))) == set()
    seconds = station.seconds["apply -input=false"]
    evidence(f"dev on the emulator: {made} created in {seconds:.0f} s, of {len(EXPECTED)} kinds")


def test_the_pipeline_takes_the_line_that_the_root_says(station: Station) -> None:
    (target,) = script("image").targets(station.run("output", "-raw", "image_target"))
    (held,) = station.cloud.client("ecr").describe_repositories()["repositories"]
    assert (target.repository, target.region) == (held["repositoryUri"], REGION)
    assert target.role == station.cloud.client("iam").get_role(RoleName="anden-dev-image")["Role"]["Arn"]


@pytest.mark.property(11)
def test_passwords_are_written_and_stand_in_no_state_plan_or_output(
    station: Station, evidence: Callable[[str], None]
) -> None:
    kept = secrets(station.cloud)
    assert usernames(station.cloud) == {role: f"anden_{role}" for role in ROLES}
    assert {f"anden-dev/postgres/{role}" for role in ROLES} <= set(kept)
    assert len(set(kept.values())) == len(kept)
    assert min(map(len, kept.values())) >= PASSWORD_LENGTH
    texts = [station.state(), station.run("show", "-json", "plan"), station.run("show", "-json"), *station.printed]
    assert {name: holding(value, texts) for name, value in kept.items()} == {name: [] for name in kept}
    size = sum(map(len, texts)) // 1024
    evidence(f"{len(kept)} secrets read back, in none of {len(texts)} texts of Terraform, {size} KiB")


@pytest.mark.property(11)
def test_the_search_finds_a_password_that_terraform_does_keep(station: Station, tmp_path: Path) -> None:
    """The control: the same password by `secret_string`, whose value Terraform keeps, is found in that state."""
    password = secrets(station.cloud)["anden-dev/postgres/app"]
    source = (station.folder / "emulated_override.tf").read_text(encoding="utf-8").partition('provider "aws"')
    provider = source[1] + source[2].partition('provider "aws"')[0].replace("{", f'{{\n  region = "{REGION}"', 1)
    planted = (
        'resource "aws_secretsmanager_secret" "this" {\n  name = "planted"\n  recovery_window_in_days = 0\n}\n'
        'resource "aws_secretsmanager_secret_version" "this" {\n'
        "  secret_id = aws_secretsmanager_secret.this.id\n"
        f'  secret_string = "{password}"\n}}\n'
    )
    (tmp_path / "main.tf").write_text(provider + planted, encoding="utf-8")
    init(tmp_path, backend=True)
    other = Station(station.cloud, tmp_path, {})
    other.run("apply", "-input=false", "-auto-approve")
    assert holding(password, [other.state()]) == [0]
    assert holding(password, [base64.b64encode(f"x {password} y".encode()).decode()]) == [0]
    other.run("destroy", "-input=false", "-auto-approve")


@pytest.mark.property(11)
def test_a_raised_version_gives_each_role_another_password(station: Station, evidence: Callable[[str], None]) -> None:
    old = secrets(station.cloud)
    station.give(password_version=2)
    printed = station.run("apply", "-input=false", "-auto-approve", "-refresh=false", "-target=module.secrets")
    new = secrets(station.cloud)
    # The provider may write a newer version, or the same resource again.
    assert counted("added", printed) + counted("changed", printed) == len(old)
    assert set(new) == set(old)
    assert {name for name in old if new[name] == old[name]} == set()
    texts = [station.state(), *station.printed]
    assert {name: holding(value, texts) for name, value in new.items()} == {name: [] for name in new}
    evidence(f"password_version 2: {len(new)} secrets changed, none in the state")


@pytest.mark.property(10)
def test_destroy_leaves_nothing(station: Station, evidence: Callable[[str], None]) -> None:
    held = [one for one in json.loads(station.state())["resources"] if one["mode"] == "managed"]
    printed = station.run("destroy", "-input=false", "-auto-approve", "-parallelism=30", "-refresh=false")
    gone = counted("destroyed", printed)
    assert gone == sum(len(one["instances"]) for one in held)
    assert added(station.before, inventory(station.cloud.client)) == {}
    seconds = station.seconds["destroy -input=false"]
    evidence(f"destroyed {gone} in {seconds:.0f} s; of {len(KINDS)} kinds asked of the emulator, nothing is left")


def test_the_first_run_makes_the_trust_and_nothing_else(station: Station) -> None:
    """What docs/guides/hcp-terraform.md has applied from a laptop, before HCP Terraform has a role."""
    guide = (ROOT / "docs/guides/hcp-terraform.md").read_text(encoding="utf-8")
    targets = re.findall(r"-target='?([^' ]+?)'?(?: \\)?\n", guide)
    station.run(
        "plan", "-input=false", "-state=first.tfstate", "-out=first", *(f"-target={target}" for target in targets)
    )
    plan = json.loads(station.run("show", "-json", "first"))
    made = sorted(one["address"] for one in plan["resource_changes"] if one["change"]["actions"] == ["create"])
    assert made == [
        "module.identity.aws_iam_openid_connect_provider.terraform",
        'module.identity.aws_iam_role.terraform["apply"]',
        'module.identity.aws_iam_role.terraform["plan"]',
        "module.identity.aws_iam_role_policy.plan",
        "module.identity.aws_iam_role_policy_attachment.apply",
        "module.identity.aws_iam_role_policy_attachment.plan",
    ]


def counts(environment: str) -> dict[str, int]:
    """Counts of docs/guides/cost.md, by line, for the environment."""
    guide = (ROOT / "docs/guides/cost.md").read_text(encoding="utf-8")
    part = guide.partition(f"\n## {environment}\n")[2].partition("\n## ")[0]
    return {name: int(count) for name, count in re.findall(r"^\| ([^|*]+) \| (\d+) \|", part, re.MULTILINE)}


@pytest.mark.property(15)
def test_prod_plans_and_the_guide_of_costs_counts_what_is_planned(
    station: Station, evidence: Callable[[str], None]
) -> None:
    station.run("plan", "-input=false", "-state=prod.tfstate", "-out=prod", "-var-file=../environments/prod.tfvars")
    for environment, saved in {"dev": "plan", "prod": "prod"}.items():
        changes = json.loads(station.run("show", "-json", saved))["resource_changes"]
        kinds = Counter(one["type"] for one in changes if one["change"]["actions"] == ["create"])
        planned = {line: kinds[kind] for line, kind in PRICED.items()}
        # RDS keeps its administrator's in a secret that Terraform does not make.
        planned["Secrets, the administrator's of RDS with them"] = kinds["aws_secretsmanager_secret"] + 1
        guide = counts(environment)
        assert {line: guide[line] for line in planned} == planned, environment
        evidence(
            f"{environment}: {kinds.total()} planned on the emulator, {len(planned)} counts of the costs are theirs"
        )
