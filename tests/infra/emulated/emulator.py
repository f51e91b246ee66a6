"""An emulator of AWS (moto) as a server of its own, on loopback, for as long as it is needed."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import requests

from tests.requirement import skip_or_fail

PROGRAM: Final = Path(__file__).parents[3] / ".venv-infra/bin/moto_server"
# Once policies count, it would refuse what is signed for a service of REST, whose paths it does not read as AWS does.
# Who asks is known by the key all the same, and what they may is what is assumed_role here.
START: Final = (
    "import moto.iam.access_control as access, moto.server as server\n"
    "access.IAMRequestBase.check_signature = lambda self: None\n"
    "server.main()\n"
)
REGION: Final = "eu-west-1"
PATIENCE_S: Final = 120
# Managed policies exist only when asked for, and a certificate would otherwise wait for a minute to be valid.
SETTINGS: Final = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "0"}
# Whatever account the caller of the tests may have, none of its keys or profiles is seen.
NO_ACCOUNT: Final = {
    "AWS_ACCESS_KEY_ID": "emulated",
    "AWS_SECRET_ACCESS_KEY": "emulated",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, empty at first."""

    url: str

    def client(self, service: str) -> Any:
        """A client of boto3 that speaks to the emulator."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",
        )

    def surroundings(self) -> dict[str, str]:
        """Environment of a program that takes the emulator for AWS: no account, and no word of another Terraform."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        return {**kept, **NO_ACCOUNT, "AWS_ENDPOINT_URL": self.url}

    @contextmanager
    def as_role(self, arn: str) -> Iterator[dict[str, str]]:
        """As `surroundings`, of a program that has this role; for as long, policies count, and others may nothing.

        The emulator reads a policy's actions. It takes every request for one to the resource `*`, knows no conditions
        but those of a trust, and so shows what is denied whatever the resource, and nothing of single ARNs.
        """
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="emulated")["Credentials"]
        requests.post(f"{self.url}/moto-api/reset-auth", data=b"0", timeout=5).raise_for_status()
        try:
            yield {
                **self.surroundings(),
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys["SessionToken"],
            }
        finally:
            requests.post(f"{self.url}/moto-api/reset-auth", data=b"inf", timeout=5).raise_for_status()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert server.poll() is None, f"the emulator ended with {server.returncode}"
        try:
            requests.get(f"{url}/moto-api/", timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the emulator did not answer within {PATIENCE_S} s")


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """A running emulator whose log lies in the folder; it ends, and forgets everything, with the block."""
    if not PROGRAM.is_file():
        skip_or_fail("the emulator of AWS is not installed: make infra installs it")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "emulator.log").open("wb") as log:
        server = subprocess.Popen(
            [PROGRAM.with_name("python"), "-c", START, "-H", "127.0.0.1", "-p", str(port)],
            env={**os.environ, **SETTINGS},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(url, server)
        yield Emulator(url)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:  # it waits for its threads; what it holds is to be forgotten anyway
            server.kill()
            server.wait()
