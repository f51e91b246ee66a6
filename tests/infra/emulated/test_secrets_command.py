"""`manage.py secrets` against an emulated Secrets Manager: what is missing is written, what is there stays.

One test runs it as the job's container does: without Django's key and a database, which are not there yet.
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
    """An emulator for all tests here; each begins with secrets of its own."""
    with emulator(tmp_path_factory.mktemp("secrets")) as one:
        yield one


@pytest.fixture
def manager(cloud: Emulator) -> Any:
    """Secrets Manager as Terraform leaves it: each secret is there, and empty."""
    client = cloud.client("secretsmanager")
    for one in client.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        client.delete_secret(SecretId=one["ARN"], ForceDeleteWithoutRecovery=True)
    for name in NAMES:
        client.create_secret(Name=name)
    return client


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What the command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def run(surroundings: Mapping[str, str], *words: str) -> CommandOutcome:
    """What the command says with these variables of AWS's SDK."""
    of_aws = {name: value for name, value in surroundings.items() if name.startswith("AWS_")}
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
def test_what_is_missing_is_drawn_and_printed_nowhere(
    cloud: Emulator, manager: Any, evidence: Callable[[str], None]
) -> None:
    done = run(cloud.surroundings(), "ensure", *WORDS)
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
    evidence(f"{len(found)} empty secrets got a value each from the station's own command")


def test_what_is_there_stays_whoever_wrote_it(cloud: Emulator, manager: Any) -> None:
    """As a job that was killed half-way leaves them, and one that a person wrote."""
    by_hand = json.dumps({"username": "anden_reader", "password": "by hand"})
    manager.put_secret_value(SecretId="harbour/postgres/reader", SecretString=by_hand)
    assert run(cloud.surroundings(), "ensure", "harbour", "--role", "owner").returncode == 0
    before = values(manager)
    done = run(cloud.surroundings(), "ensure", *WORDS)
    assert done.returncode == 0
    after = values(manager)
    assert {name: after[name] for name in before} == before
    assert after["harbour/postgres/reader"] == by_hand
    assert set(after) == set(NAMES)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["kept", "generated", "kept", "generated"]
    again = run(cloud.surroundings(), "ensure", *WORDS)
    assert values(manager) == after
    assert {line.split()[1] for line in again.stdout.splitlines()} == {"kept"}


def test_two_at_once_write_one_value_each(cloud: Emulator, manager: Any) -> None:
    chosen = installation_secrets("harbour", roles=list(ROLES), keys=["django/secret-key"])
    clients = [cloud.client("secretsmanager") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda client: [secret_ensure(client, secret) for secret in chosen], clients))
    assert {what for each in done for what in each} <= {"generated", "kept"}
    assert {name: versions(manager, name) for name in NAMES} == dict.fromkeys(NAMES, 1)


class RacingClient:
    """A client between whose look and whose write somebody else writes."""

    def __init__(self, client: Any, other: Callable[[], object]) -> None:
        self.client, self.other = client, other
        self.put_secret_value = client.put_secret_value

    def describe_secret(self, **words: str) -> Any:
        found = self.client.describe_secret(**words)
        self.other()
        return found


def test_who_is_overtaken_by_another_job_keeps_its_value(manager: Any) -> None:
    overtaken = RacingClient(manager, lambda: secret_ensure(manager, APP))
    assert secret_ensure(overtaken, APP) == "kept"
    assert versions(manager, APP.name) == 1


def test_who_is_overtaken_by_a_person_keeps_theirs(manager: Any) -> None:
    overtaken = RacingClient(manager, lambda: manager.put_secret_value(SecretId=APP.name, SecretString="by hand"))
    assert secret_ensure(overtaken, APP) == "kept"
    assert manager.get_secret_value(SecretId=APP.name)["SecretString"] == "by hand"
    # And so for whoever comes after.
    assert secret_ensure(manager, APP) == "kept"


def _missing(client: Any) -> str:
    client.delete_secret(SecretId=APP.name, ForceDeleteWithoutRecovery=True)
    return "apply terraform/aws, which creates the empty secret"


def _deleted(client: Any) -> str:
    client.delete_secret(SecretId=APP.name, RecoveryWindowInDays=7)
    return "aws secretsmanager restore-secret --secret-id harbour/postgres/app"


@pytest.mark.parametrize("spoil", [_missing, _deleted])
@pytest.mark.parametrize("action", [("ensure",), ("rotate", "--order", "one")])
def test_a_secret_that_cannot_be_written_is_named_and_stops_no_other(
    cloud: Emulator, manager: Any, action: tuple[str, ...], spoil: Callable[[Any], str]
) -> None:
    remedy = spoil(manager)
    done = run(cloud.surroundings(), *action, *WORDS)
    assert done.returncode == 1
    assert APP.name in done.stderr
    assert remedy in done.stderr
    assert set(values(manager)) == set(NAMES) - {APP.name}


RIGHTS: Final = ("secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue")


@pytest.mark.parametrize("left", [(), RIGHTS[:1], RIGHTS[1:], RIGHTS])
def test_who_is_denied_is_told_where_the_right_stands(cloud: Emulator, manager: Any, left: tuple[str, ...]) -> None:
    iam, name = cloud.client("iam"), f"job-{len(left)}-{'-'.join(each[-3:] for each in left)}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    allowed = {"Effect": "Allow", "Action": [*left, "sts:GetCallerIdentity"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(allowed))
    with cloud.as_role(role["Arn"]) as surroundings:
        done = run(surroundings, "ensure", *WORDS)
    # Exactly these two are needed; without one of them, nothing is written, and who asks is told.
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
    ids=["away", "nobody", "no region"],
)
def test_a_service_that_cannot_be_asked_is_one_line(cloud: Emulator, manager: Any, wrong: dict[str, str]) -> None:
    done = run({**cloud.surroundings(), **wrong}, "ensure", *WORDS)
    assert done.returncode == 1
    assert "Secrets Manager is unavailable" in done.stderr
    assert values(manager) == {}


@pytest.mark.property(11)
def test_a_rotation_is_one_however_often_its_order_is_repeated(
    cloud: Emulator, manager: Any, evidence: Callable[[str], None]
) -> None:
    assert run(cloud.surroundings(), "ensure", *WORDS).returncode == 0
    first = values(manager)
    assert run(cloud.surroundings(), "rotate", "--order", "spring", *WORDS).returncode == 0
    second = values(manager)
    assert {name for name in NAMES if second[name] == first[name]} == set()
    again = run(cloud.surroundings(), "rotate", "--order", "spring", *WORDS)
    assert {line.split()[1] for line in again.stdout.splitlines()} == {"kept"}
    assert run(cloud.surroundings(), "ensure", *WORDS).returncode == 0
    assert values(manager) == second
    former = manager.get_secret_value(SecretId=KEY, VersionStage="AWSPREVIOUS")["SecretString"]
    assert former == first[KEY]
    assert run(cloud.surroundings(), "rotate", "--order", "autumn", *WORDS).returncode == 0
    assert len({first[KEY], second[KEY], values(manager)[KEY]}) == 3
    evidence(f"{len(NAMES)} secrets rotated: once for an order, the former value kept beside the new one")


def test_a_rotation_that_was_killed_half_way_is_finished_by_its_repetition(manager: Any) -> None:
    chosen = installation_secrets("harbour", roles=list(ROLES), keys=[])
    for secret in chosen:
        secret_ensure(manager, secret)
    secret_rotate(manager, chosen[0], order="spring")
    half = values(manager)
    assert [secret_rotate(manager, secret, order="spring") for secret in chosen] == ["kept", "generated", "generated"]
    whole = values(manager)
    assert whole[chosen[0].name] == half[chosen[0].name]
    assert all(whole[secret.name] != half[secret.name] for secret in chosen[1:])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ensure", "harbour"), "--role or --key"),
        (("rotate", "harbour", "--role", "app"), "--order"),
        (("rotate", "harbour", "--role", "app", "--order", "first"), "--order first is that of first values"),
        (("ensure",), "station"),
    ],
)
def test_words_that_are_missing_are_named(cloud: Emulator, manager: Any, words: tuple[str, ...], told: str) -> None:
    done = run(cloud.surroundings(), *words)
    assert done.returncode != 0
    assert told in done.stderr
    assert values(manager) == {}


def test_a_refusal_never_says_a_value(manager: Any) -> None:
    manager.delete_secret(SecretId=APP.name, RecoveryWindowInDays=7)
    with pytest.raises(SecretRefused, match="scheduled for deletion") as refused:
        secret_ensure(manager, APP)
    assert "password" not in str(refused.value)


def test_the_entrypoint_needs_no_settings(cloud: Emulator, manager: Any) -> None:
    """What the container runs, with its arguments."""
    bare = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "AWS_DEFAULT_REGION": REGION}
    told = {name: value for name, value in cloud.surroundings().items() if name.startswith("AWS_")}
    done = subprocess.run(
        [str(ROOT / "platform/entrypoint"), "manage", "secrets", "ensure", *WORDS],
        env={**bare, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(values(manager)) == set(NAMES)
    refused = subprocess.run(
        [str(ROOT / "platform/entrypoint"), "manage", "secrets", "ensure", "elsewhere", "--role", "app"],
        env={**bare, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "elsewhere/postgres/app" in refused.stderr
    assert "Traceback" not in refused.stderr
