"""An AWS emulator (moto) as a local server."""

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
# With authorization on, moto rejects signatures for REST services, whose paths it computes differently from AWS. The
# access key still identifies the caller, and only permissions are tested here.
START: Final = (
    "import moto.iam.access_control as access, moto.server as server\n"
    "access.IAMRequestBase.check_signature = lambda self: None\n"
    "server.main()\n"
)
REGION: Final = "eu-west-1"
TIMEOUT_S: Final = 120
# Load managed policies, and skip the one-minute wait for certificate validation.
SETTINGS: Final = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "0"}
# Hide the caller's own keys and profiles.
NO_ACCOUNT: Final = {
    "AWS_ACCESS_KEY_ID": "emulated",
    "AWS_SECRET_ACCESS_KEY": "emulated",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, initially empty."""

    url: str

    def client(self, service: str) -> Any:
        """A boto3 client for the emulator."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",
        )

    def environ(self) -> dict[str, str]:
        """Environment of a program that uses the emulator as AWS, without other AWS or Terraform settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        return {**kept, **NO_ACCOUNT, "AWS_ENDPOINT_URL": self.url}

    @contextmanager
    def as_role(self, arn: str) -> Iterator[dict[str, str]]:
        """Like `environ`, for a program with this role. Within the block, policies are enforced for all callers.

        The emulator evaluates only the actions of a policy: every request is for the resource `*`, and it ignores
        conditions except in trust policies. It shows what is denied for all resources, but cannot check single ARNs.
        """
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="emulated")["Credentials"]
        requests.post(f"{self.url}/moto-api/reset-auth", data=b"0", timeout=5).raise_for_status()
        try:
            yield {
                **self.environ(),
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
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        assert server.poll() is None, f"the emulator exited with {server.returncode}"
        try:
            requests.get(f"{url}/moto-api/", timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the emulator did not start within {TIMEOUT_S} s")


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Start an emulator with its log in the folder; it stops, and loses its state, at the end of the block."""
    if not PROGRAM.is_file():
        skip_or_fail("the AWS emulator is not installed: run make infra")
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
        except subprocess.TimeoutExpired:  # it waits for its threads; its state is not needed
            server.kill()
            server.wait()
