"""Apply dev to an emulated AWS, generate its secrets, plan again without access to secrets, and destroy it.

Slow: about four minutes, mostly waiting for the load balancer and the queues. tests/infra/emulated/overrides disables
what the emulator does not support or what takes too long; tests with a mocked provider cover those resources.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.infra.delivery.scripts import script
from tests.infra.emulated.dev_environment import DevEnvironment, copied, create_hosted_zone, dev_variables
from tests.infra.emulated.emulator import REGION, Emulator, emulator
from tests.infra.emulated.inventory import KINDS, added, inventory
from tests.infra.mirror import init

ROOT: Final = Path(__file__).parents[3]
PASSWORD_LENGTH: Final = 48
ROLES: Final = {"owner", "app", "ingest", "reader", "writer", "analyst", "monitor"}
# Kinds that a fresh account does not have, and that dev must create.
EXPECTED: Final = set(KINDS) - {"databases", "snapshots", "firewalls", "domain names"}

# Attributes that the emulator does not store, so that each plan would write them.
NOT_EMULATED: Final = {
    ("aws_db_parameter_group", "parameter"),
    ("aws_eks_cluster", "access_config"),
    ("aws_eks_node_group", "remote_access"),  # the emulator invents a key pair
    ("aws_launch_template", "tag_specifications"),
    ("aws_sqs_queue", "redrive_policy"),  # stored with other white space
    ("aws_vpc_security_group_egress_rule", "description"),
    ("aws_vpc_security_group_ingress_rule", "description"),
}

# Lines of the cost guide whose count equals a resource count.
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

# The AWS provider waits, although the emulator is immediate.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def station(apply_started: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevEnvironment]:
    """dev, applied."""
    folder = tmp_path_factory.mktemp("emulated")
    root = copied(folder)
    init(root, backend=True)
    with emulator(folder) as cloud:
        create_hosted_zone(cloud)
        one = DevEnvironment(cloud, root, inventory(cloud.client))
        values = json.dumps(dev_variables(cloud))
        (root / "emulated.auto.tfvars.json").write_text(values, encoding="utf-8")
        one.run("plan", "-input=false", "-out=plan")
        one.run("apply", "-input=false", "-parallelism=30", "plan")
        yield one


def secrets(cloud: Emulator) -> dict[str, str]:
    """Secret values by name, of secrets that have one: a role's password, or the entire string."""
    manager = cloud.client("secretsmanager")
    written = {}
    for one in manager.list_secrets(MaxResults=100)["SecretList"]:
        if manager.list_secret_version_ids(SecretId=one["Name"])["Versions"]:
            text = manager.get_secret_value(SecretId=one["Name"])["SecretString"]
            written[one["Name"]] = json.loads(text)["password"] if "/postgres/" in one["Name"] else text
    return written


def usernames(cloud: Emulator) -> dict[str, str]:
    """User name of each database role, from its secret."""
    manager = cloud.client("secretsmanager")
    names = {role: f"anden-dev/postgres/{role}" for role in ROLES}
    return {
        role: json.loads(manager.get_secret_value(SecretId=name)["SecretString"])["username"]
        for role, name in names.items()
    }


def texts_with(value: str, texts: Iterable[str]) -> list[int]:
    """Indices of the texts that contain the value, plain or in base64 at any offset."""
    raw = value.encode()
    coded = [base64.b64encode(bytes(skip) + raw).decode()[4 if skip else 0 : -4] for skip in range(3)]
    return [number for number, text in enumerate(texts) if any(form in text for form in (value, *coded))]


def printed_count(what: str, printed: str) -> int:
    found = re.search(rf"(\d+) {what}", printed)
    assert found, f"Terraform did not print how many were {what}"
    return int(found[1])


@pytest.mark.property(10)
def test_dev_is_applied(station: DevEnvironment, evidence: Callable[[str], None]) -> None:
    made = printed_count("added", station.printed[-1])
    held = [one for one in json.loads(station.state())["resources"] if one["mode"] == "managed"]
    assert made == sum(len(one["instances"]) for one in held)
    assert printed_count("to add", station.printed[0]) == made
    assert EXPECTED - set(added(station.before, inventory(station.cloud.client))) == set()
    seconds = station.seconds["apply -input=false"]
    evidence(f"dev on the emulator: {made} resources of {len(EXPECTED)} kinds created in {seconds:.0f} s")


def test_the_pipeline_accepts_the_roots_image_target(station: DevEnvironment) -> None:
    (target,) = script("image").targets(station.run("output", "-raw", "image_target"))
    (held,) = station.cloud.client("ecr").describe_repositories()["repositories"]
    assert (target.repository, target.region) == (held["repositoryUri"], REGION)
    assert target.role == station.cloud.client("iam").get_role(RoleName="anden-dev-image")["Role"]["Arn"]


@contextmanager
def assumed_role(cloud: Emulator, name: str, *more: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Environment of a program with this role's permissions, as far as the emulator evaluates them: for all resources.

    Statements with a condition are left to the plan tests; `more` adds statements.
    """
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    made = iam.create_role(RoleName=f"assumed-{name}", AssumeRolePolicyDocument=document([trust]))["Role"]
    own = [
        statement
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    ]
    kept = [{**one, "Resource": "*"} for one in own if "Condition" not in one]
    iam.put_role_policy(RoleName=made["RoleName"], PolicyName="own", PolicyDocument=document([*kept, *more]))
    with cloud.as_role(made["Arn"]) as environ:
        yield environ
    iam.delete_role_policy(RoleName=made["RoleName"], PolicyName="own")
    iam.delete_role(RoleName=made["RoleName"])


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.mark.property(11)
def test_secrets_are_created_empty_and_generated_without_read_access(
    station: DevEnvironment, evidence: Callable[[str], None]
) -> None:
    assert secrets(station.cloud) == {}
    with assumed_role(station.cloud, "anden-dev-secrets") as environ:
        station.secrets("secrets-ensure", environ)
        reading = client_of(station.cloud, environ)
        with pytest.raises(ClientError, match="GetSecretValue"):
            reading.get_secret_value(SecretId="anden-dev/postgres/app")
    kept = secrets(station.cloud)
    assert usernames(station.cloud) == {role: f"anden_{role}" for role in ROLES}
    assert {f"anden-dev/postgres/{role}" for role in ROLES} | {"anden-dev/django/secret-key"} == set(kept)
    assert len(set(kept.values())) == len(kept)
    assert min(map(len, kept.values())) >= PASSWORD_LENGTH
    evidence(
        f"{len(kept)} secrets that Terraform created empty, generated by the job's role, which may read none of them"
    )


def client_of(cloud: Emulator, environ: dict[str, str]) -> Any:
    """A Secrets Manager client with these credentials."""
    return boto3.client(
        "secretsmanager",
        endpoint_url=cloud.url,
        region_name=REGION,
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environ["AWS_SESSION_TOKEN"],
    )


@pytest.mark.property(11)
def test_a_second_plan_without_access_to_secrets_has_no_changes(
    station: DevEnvironment, evidence: Callable[[str], None]
) -> None:
    # The emulator does not know the actions of every service, so allow everything in place of ReadOnlyAccess.
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    with assumed_role(station.cloud, "anden-dev-terraform-plan", everything) as environ:
        with pytest.raises(ClientError, match="GetSecretValue"):
            client_of(station.cloud, environ).get_secret_value(SecretId="anden-dev/postgres/app")
        station.run("plan", "-input=false", "-parallelism=30", "-out=second", environ=environ)
    changes = json.loads(station.shown("second"))["resource_changes"]
    found = {(one["type"], name) for one in changes for name in changed_arguments(one["change"])}
    assert found <= NOT_EMULATED, found - NOT_EMULATED
    evidence(
        f"planned again without access to secrets: no changes except {len(found)} that the emulator does not store"
    )


def changed_arguments(change: dict[str, Any]) -> Iterator[str]:
    """Arguments that would be updated or force a replacement, or any other action."""
    if change["actions"] == ["update"]:
        yield from (name for name, value in change["after"].items() if change["before"].get(name) != value)
    elif sorted(change["actions"]) == ["create", "delete"]:
        yield from (str(path[0]) for path in change["replace_paths"])
    else:
        yield from (action for action in change["actions"] if action not in ("no-op", "read"))


@pytest.mark.property(11)
def test_secret_values_are_in_no_state_plan_or_output(
    station: DevEnvironment, evidence: Callable[[str], None]
) -> None:
    kept = secrets(station.cloud)
    shown = [station.shown("plan"), station.shown("second"), station.run("show", "-json")]
    texts = [station.state(), *station.printed, *shown]
    assert {name: texts_with(value, texts) for name, value in kept.items()} == {name: [] for name in kept}
    size = sum(map(len, texts)) // 1024
    evidence(f"{len(kept)} secret values found in none of {len(texts)} outputs of Terraform and the job, {size} KiB")


@pytest.mark.property(11)
def test_the_search_finds_a_password_that_terraform_stores(station: DevEnvironment, tmp_path: Path) -> None:
    """Control: with `secret_string`, which Terraform stores, the same password is found in the state."""
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
    other = DevEnvironment(station.cloud, tmp_path, {})
    other.run("apply", "-input=false", "-auto-approve")
    assert texts_with(password, [other.state()]) == [0]
    assert texts_with(password, [base64.b64encode(f"x {password} y".encode()).decode()]) == [0]
    station.cloud.client("secretsmanager").delete_secret(SecretId="planted", ForceDeleteWithoutRecovery=True)


@pytest.mark.property(11)
def test_a_rotation_gives_each_role_a_new_password(station: DevEnvironment, evidence: Callable[[str], None]) -> None:
    old = secrets(station.cloud)
    station.secrets("secrets-rotate-passwords", name="rotate-once")
    new = secrets(station.cloud)
    assert set(new) == set(old)
    assert {name for name in old if new[name] == old[name]} == {"anden-dev/django/secret-key"}
    texts = [station.state(), *station.printed]
    assert {name: texts_with(value, texts) for name, value in new.items()} == {name: [] for name in new}
    evidence(f"{len(new) - 1} passwords rotated by the command, none in the state or printed")


@pytest.mark.property(10)
def test_destroy_leaves_nothing(station: DevEnvironment, evidence: Callable[[str], None]) -> None:
    held = [one for one in json.loads(station.state())["resources"] if one["mode"] == "managed"]
    printed = station.run("destroy", "-input=false", "-auto-approve", "-parallelism=30", "-refresh=false")
    gone = printed_count("destroyed", printed)
    assert gone == sum(len(one["instances"]) for one in held)
    assert added(station.before, inventory(station.cloud.client)) == {}
    seconds = station.seconds["destroy -input=false"]
    evidence(f"{gone} resources destroyed in {seconds:.0f} s; nothing left of {len(KINDS)} kinds")


def test_the_first_run_creates_only_the_trust(station: DevEnvironment) -> None:
    """The targeted apply of docs/guides/hcp-terraform.md, before HCP Terraform has a role."""
    guide = (ROOT / "docs/guides/hcp-terraform.md").read_text(encoding="utf-8")
    targets = re.findall(r"-target='?([^' ]+?)'?(?: \\)?\n", guide)
    station.run(
        "plan", "-input=false", "-state=first.tfstate", "-out=first", *(f"-target={target}" for target in targets)
    )
    plan = json.loads(station.shown("first"))
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
    """Counts by line in docs/guides/cost.md for the environment."""
    guide = (ROOT / "docs/guides/cost.md").read_text(encoding="utf-8")
    part = guide.partition(f"\n## {environment}\n")[2].partition("\n## ")[0]
    return {name: int(count) for name, count in re.findall(r"^\| ([^|*]+) \| (\d+) \|", part, re.MULTILINE)}


@pytest.mark.property(15)
def test_prod_plans_and_the_cost_guide_counts_its_resources(
    station: DevEnvironment, evidence: Callable[[str], None]
) -> None:
    station.run("plan", "-input=false", "-state=prod.tfstate", "-out=prod", "-var-file=../environments/prod.tfvars")
    for environment, saved in {"dev": "plan", "prod": "prod"}.items():
        changes = json.loads(station.shown(saved))["resource_changes"]
        kinds = Counter(one["type"] for one in changes if one["change"]["actions"] == ["create"])
        planned = {line: kinds[kind] for line, kind in PRICED.items()}
        # RDS creates the administrator's secret.
        planned["Secrets, the administrator's of RDS with them"] = kinds["aws_secretsmanager_secret"] + 1
        guide = counts(environment)
        assert {line: guide[line] for line in planned} == planned, environment
        evidence(f"{environment}: {kinds.total()} resources planned; {len(planned)} counts in the cost guide match")
