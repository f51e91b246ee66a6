"""`manage.py secrets` with an emulated Secrets Manager writes missing values and keeps existing ones.

One test runs it as the job's container does: without Django's key and a database, which do not exist yet.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from apps.datasets.adapters.secrets_manager import SecretRefused, secret_ensure, secret_rotate
from apps.datasets.core.installation_secrets import (
    KEY_LENGTH,
    PASSWORD_LENGTH,
    InstallationSecret,
    installation_secrets,
)
from tests.infra.emulated.emulator import REGION, Emulator, emulator

ROOT: Final = Path(__file__).parents[3]
ROLES: Final = ("owner", "app", "reader")
WORDS: Final = ("harbour", *(word for role in ROLES for word in ("--role", role)), "--key", "django/secret-key")
KEY: Final = "harbour/django/secret-key"
NAMES: Final = (*(f"harbour/postgres/{role}" for role in ROLES), KEY)
APP: Final = InstallationSecret("harbour/postgres/app", "anden_app")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests in this file; each starts with new secrets."""
    with emulator(tmp_path_factory.mktemp("secrets")) as one:
        yield one


@pytest.fixture
def manager(cloud: Emulator) -> Any:
    """Secrets Manager with empty secrets, as Terraform leaves it."""
    client = cloud.client("secretsmanager")
    for one in client.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        client.delete_secret(SecretId=one["ARN"], ForceDeleteWithoutRecovery=True)
    for name in NAMES:
        client.create_secret(Name=name)
    return client


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """Output and exit code of the command."""

    returncode: int
    stdout: str
    stderr: str


def run(environ: Mapping[str, str], *words: str) -> CommandOutcome:
    """Run the command with these AWS SDK variables."""
    of_aws = {name: value for name, value in environ.items() if name.startswith("AWS_")}
    printed = StringIO()
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION, **of_aws}):
        try:
            call_command("secrets", *words, stdout=printed)
        except CommandError as error:
            return CommandOutcome(1, printed.getvalue(), str(error))
    return CommandOutcome(0, printed.getvalue(), "")


def values(client: Any) -> dict[str, str]:
    """The value of each secret that has one."""
    names = [one["Name"] for one in client.list_secrets(MaxResults=100)["SecretList"]]
    full = [name for name in names if client.list_secret_version_ids(SecretId=name)["Versions"]]
    return {name: client.get_secret_value(SecretId=name)["SecretString"] for name in full}


def versions(client: Any, name: str) -> int:
    return len(client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"])


@pytest.mark.property(11)
def test_missing_values_are_generated_and_never_printed(
    cloud: Emulator, manager: Any, evidence: Callable[[str], None]
) -> None:
    done = run(cloud.environ(), "ensure", *WORDS)
    assert (done.returncode, done.stderr) == (0, "")
    found = values(manager)
    assert set(found) == set(NAMES)
    passwords = {name: json.loads(found[name]) for name in NAMES if name != KEY}
    assert {name: one["username"] for name, one in passwords.items()} == {
        f"harbour/postgres/{role}": f"anden_{role}" for role in ROLES
    }
    drawn = [*(one["password"] for one in passwords.values()), found[KEY]]
    assert sorted(map(len, drawn)) == [PASSWORD_LENGTH] * len(ROLES) + [KEY_LENGTH]
    assert len(set(drawn)) == len(drawn)
    assert all(one.isalnum() and one not in done.stdout for one in drawn)
    assert [line.split() for line in done.stdout.splitlines()] == [[name, "generated"] for name in NAMES]
    evidence(f"the command wrote a value to each of {len(found)} empty secrets")


def test_existing_values_are_kept(cloud: Emulator, manager: Any) -> None:
    """Values from an interrupted job and one written by hand."""
    by_hand = json.dumps({"username": "anden_reader", "password": "by hand"})
    manager.put_secret_value(SecretId="harbour/postgres/reader", SecretString=by_hand)
    assert run(cloud.environ(), "ensure", "harbour", "--role", "owner").returncode == 0
    before = values(manager)
    done = run(cloud.environ(), "ensure", *WORDS)
    assert done.returncode == 0
    after = values(manager)
    assert {name: after[name] for name in before} == before
    assert after["harbour/postgres/reader"] == by_hand
    assert set(after) == set(NAMES)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["kept", "generated", "kept", "generated"]
    again = run(cloud.environ(), "ensure", *WORDS)
    assert values(manager) == after
    assert {line.split()[1] for line in again.stdout.splitlines()} == {"kept"}


def test_concurrent_jobs_write_one_value_each(cloud: Emulator, manager: Any) -> None:
    chosen = installation_secrets("harbour", roles=list(ROLES), keys=["django/secret-key"])
    clients = [cloud.client("secretsmanager") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda client: [secret_ensure(client, secret) for secret in chosen], clients))
    assert {what for each in done for what in each} <= {"generated", "kept"}
    assert {name: versions(manager, name) for name in NAMES} == dict.fromkeys(NAMES, 1)


class RacingClient:
    """A client that is overtaken by another write between its check and its own write."""

    def __init__(self, client: Any, other: Callable[[], object]) -> None:
        self.client, self.other = client, other
        self.put_secret_value = client.put_secret_value

    def describe_secret(self, **words: str) -> Any:
        found = self.client.describe_secret(**words)
        self.other()
        return found


def test_a_job_keeps_the_value_of_a_concurrent_job(manager: Any) -> None:
    overtaken = RacingClient(manager, lambda: secret_ensure(manager, APP))
    assert secret_ensure(overtaken, APP) == "kept"
    assert versions(manager, APP.name) == 1


def test_a_job_keeps_a_value_written_by_hand_meanwhile(manager: Any) -> None:
    overtaken = RacingClient(manager, lambda: manager.put_secret_value(SecretId=APP.name, SecretString="by hand"))
    assert secret_ensure(overtaken, APP) == "kept"
    assert manager.get_secret_value(SecretId=APP.name)["SecretString"] == "by hand"
    # A later job keeps it too.
    assert secret_ensure(manager, APP) == "kept"


def _missing(client: Any) -> str:
    client.delete_secret(SecretId=APP.name, ForceDeleteWithoutRecovery=True)
    return "apply terraform/aws, which creates the empty secret"


def _deleted(client: Any) -> str:
    client.delete_secret(SecretId=APP.name, RecoveryWindowInDays=7)
    return "aws secretsmanager restore-secret --secret-id harbour/postgres/app"


@pytest.mark.parametrize("spoil", [_missing, _deleted])
@pytest.mark.parametrize("action", [("ensure",), ("rotate", "--order", "one")])
def test_a_secret_that_cannot_be_written_is_named_and_does_not_stop_the_others(
    cloud: Emulator, manager: Any, action: tuple[str, ...], spoil: Callable[[Any], str]
) -> None:
    remedy = spoil(manager)
    done = run(cloud.environ(), *action, *WORDS)
    assert done.returncode == 1
    assert APP.name in done.stderr
    assert remedy in done.stderr
    assert set(values(manager)) == set(NAMES) - {APP.name}


RIGHTS: Final = ("secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue")


@pytest.mark.parametrize("left", [(), RIGHTS[:1], RIGHTS[1:], RIGHTS])
def test_a_denied_job_reports_where_its_permission_is_defined(
    cloud: Emulator, manager: Any, left: tuple[str, ...]
) -> None:
    iam, name = cloud.client("iam"), f"job-{len(left)}-{'-'.join(each[-3:] for each in left)}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    allowed = {"Effect": "Allow", "Action": [*left, "sts:GetCallerIdentity"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(allowed))
    with cloud.as_role(role["Arn"]) as environ:
        done = run(environ, "ensure", *WORDS)
    # Both are needed: without one of them the command writes nothing and reports the missing permission.
    assert (done.returncode == 0) == (left == RIGHTS), done.stderr
    assert bool(values(manager)) == (left == RIGHTS)
    if left != RIGHTS:
        assert "AccessDenied" in done.stderr
        assert "terraform/aws/workloads.tf" in done.stderr


def policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_DEFAULT_REGION": "no where"},
    ],
    ids=["unreachable", "no credentials", "no region"],
)
def test_an_unreachable_service_is_reported_in_one_line(cloud: Emulator, manager: Any, wrong: dict[str, str]) -> None:
    done = run({**cloud.environ(), **wrong}, "ensure", *WORDS)
    assert done.returncode == 1
    assert "Secrets Manager is unavailable" in done.stderr
    assert values(manager) == {}


@pytest.mark.property(11)
def test_a_repeated_order_rotates_once(cloud: Emulator, manager: Any, evidence: Callable[[str], None]) -> None:
    assert run(cloud.environ(), "ensure", *WORDS).returncode == 0
    first = values(manager)
    assert run(cloud.environ(), "rotate", "--order", "spring", *WORDS).returncode == 0
    second = values(manager)
    assert {name for name in NAMES if second[name] == first[name]} == set()
    again = run(cloud.environ(), "rotate", "--order", "spring", *WORDS)
    assert {line.split()[1] for line in again.stdout.splitlines()} == {"kept"}
    assert run(cloud.environ(), "ensure", *WORDS).returncode == 0
    assert values(manager) == second
    former = manager.get_secret_value(SecretId=KEY, VersionStage="AWSPREVIOUS")["SecretString"]
    assert former == first[KEY]
    assert run(cloud.environ(), "rotate", "--order", "autumn", *WORDS).returncode == 0
    assert len({first[KEY], second[KEY], values(manager)[KEY]}) == 3
    evidence(f"{len(NAMES)} secrets rotated: once for an order, the previous value kept with the new one")


def test_repeating_the_order_finishes_an_interrupted_rotation(manager: Any) -> None:
    chosen = installation_secrets("harbour", roles=list(ROLES), keys=[])
    for secret in chosen:
        secret_ensure(manager, secret)
    secret_rotate(manager, chosen[0], order="spring")
    half = values(manager)
    assert [secret_rotate(manager, secret, order="spring") for secret in chosen] == ["kept", "generated", "generated"]
    final = values(manager)
    assert final[chosen[0].name] == half[chosen[0].name]
    assert all(final[secret.name] != half[secret.name] for secret in chosen[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ensure", "harbour"), "--role or --key"),
        (("rotate", "harbour", "--role", "app"), "--order"),
        (("rotate", "harbour", "--role", "app", "--order", "first"), "--order first is reserved for first values"),
        (("ensure",), "station"),
    ],
)
def test_missing_arguments_are_named(cloud: Emulator, manager: Any, arguments: tuple[str, ...], message: str) -> None:
    done = run(cloud.environ(), *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert values(manager) == {}


def test_an_error_never_contains_a_value(manager: Any) -> None:
    manager.delete_secret(SecretId=APP.name, RecoveryWindowInDays=7)
    with pytest.raises(SecretRefused, match="scheduled for deletion") as refused:
        secret_ensure(manager, APP)
    assert "password" not in str(refused.value)


def test_the_entrypoint_needs_no_settings(cloud: Emulator, manager: Any) -> None:
    """Run the entrypoint as the container does."""
    bare = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "AWS_DEFAULT_REGION": REGION}
    credentials = {name: value for name, value in cloud.environ().items() if name.startswith("AWS_")}
    done = subprocess.run(
        [str(ROOT / "platform/entrypoint"), "manage", "secrets", "ensure", *WORDS],
        env={**bare, **credentials},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(values(manager)) == set(NAMES)
    refused = subprocess.run(
        [str(ROOT / "platform/entrypoint"), "manage", "secrets", "ensure", "elsewhere", "--role", "app"],
        env={**bare, **credentials},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "elsewhere/postgres/app" in refused.stderr
    assert "Traceback" not in refused.stderr
