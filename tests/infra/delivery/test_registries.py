""".ci/image.py with fake docker and aws programs: every environment gets the same image."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.infra.delivery.repository import ROOT

FAKE = Path(__file__).with_name("fake_docker.py")
DEV = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/anden-dev"
PROD = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/anden-prod"
TARGETS = (
    f"arn:aws:iam::000000000000:role/anden-dev-image {DEV}\narn:aws:iam::000000000000:role/anden-prod-image {PROD}\n"
)
TAG = "0.1.0-0123456789ab"


@dataclass(frozen=True, slots=True)
class Registries:
    """The fake programs of one test and their environment."""

    folder: Path
    environ: dict[str, str]

    def image(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of .ci/image.py."""
        done = subprocess.run(
            [sys.executable, ROOT / ".ci/image.py", *arguments],
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def printed(self, *arguments: str) -> str:
        """Output of a command that must succeed."""
        code, printed, errors = self.image(*arguments)
        assert code == 0, errors
        return printed

    @property
    def state(self) -> dict[str, Any]:
        """State of the registries."""
        found: dict[str, Any] = json.loads((self.folder / "registries.json").read_text())
        return found

    def forget(self, tag: str) -> None:
        """Delete a tag."""
        state = self.state
        del state["tags"][tag]
        (self.folder / "registries.json").write_text(json.dumps(state))


@pytest.fixture
def identity() -> Iterator[str]:
    """URL of a fake GitHub OIDC token endpoint."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.path.endswith("&audience=sts.amazonaws.com") and self.headers["Authorization"] == "bearer run"
            self.send_response(200 if right else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"value": "identity of this run"}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name from the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token?version=1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def registries(tmp_path: Path, identity: str) -> Registries:
    for program in ("docker", "aws"):
        (tmp_path / program).write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
        (tmp_path / program).chmod(0o755)
    environ = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "FAKE_REGISTRIES": str(tmp_path / "registries.json"),
        "IMAGE_TARGETS": TARGETS,
        "ACTIONS_ID_TOKEN_REQUEST_URL": identity,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "run",
        "NO_PROXY": "127.0.0.1",
    }
    return Registries(tmp_path, environ)


def built(registries: Registries) -> list[str]:
    """Log in, build both platforms and return their digests."""
    registries.printed("login")
    return [registries.printed("build", TAG, platform) for platform in ("amd64", "arm64")]


def test_each_registry_is_accessed_with_its_own_role_and_no_key(registries: Registries) -> None:
    registries.printed("login")
    assert registries.state["roles"] == [line.split()[0] for line in TARGETS.splitlines()]
    assert registries.state["hosts"] == [DEV.partition("/")[0], PROD.partition("/")[0]]


def test_a_registry_without_a_login_rejects_pushes(registries: Registries) -> None:
    code, printed, errors = registries.image("build", TAG, "amd64")
    assert (code, printed) == (1, "")
    assert "no basic auth credentials" in errors


def test_both_platforms_share_one_digest_in_every_environment(registries: Registries) -> None:
    digests = built(registries)
    assert len(set(digests)) == 2
    index = registries.printed("publish", TAG, *digests)
    assert registries.state["tags"] == {f"{DEV}:{TAG}": index, f"{PROD}:{TAG}": index}


def test_an_image_is_started_before_it_is_pushed(registries: Registries) -> None:
    registries.printed("login")
    code, printed, errors = registries.image("build", TAG, "amd64", FAKE_BROKEN_IMAGE="1")
    assert (code, printed) == (1, "")
    assert "docker run --rm ended with 1" in errors
    assert registries.state["digests"] == {}
    registries.printed("build", TAG, "amd64")
    arguments = [command[1:3] for command in registries.state["commands"] if command[0] == "docker"]
    assert arguments[-4:] == [["buildx", "create"], ["buildx", "build"], ["run", "--rm"], ["buildx", "build"]]


def test_an_unmerged_change_is_built_but_not_pushed(registries: Registries) -> None:
    assert registries.image("try", "amd64", IMAGE_TARGETS="")[:2] == (0, "")
    assert registries.state["digests"] == {}
    code, _, errors = registries.image("try", "amd64", IMAGE_TARGETS="", FAKE_BROKEN_IMAGE="1")
    assert code == 1
    assert "docker run --rm ended with 1" in errors


def test_the_builder_and_the_sbom_generator_have_exact_versions(registries: Registries) -> None:
    built(registries)
    text = " ".join(word for command in registries.state["commands"] for word in command)
    pins = (ROOT / "docs/pins.md").read_text(encoding="utf-8")
    for image in ("moby/buildkit", "docker/buildkit-syft-scanner"):
        (tag,) = {word.partition(":")[2] for word in text.replace("=", " ").split() if word.startswith(f"{image}:")}
        assert f"`{image}:{tag}`" in pins


def test_a_second_run_reuses_existing_images(registries: Registries) -> None:
    digests = built(registries)
    index = registries.printed("publish", TAG, *digests)
    registries.forget(f"{PROD}:{TAG}")
    assert registries.printed("publish", TAG, *digests) == index
    assert registries.printed("publish", TAG, *reversed(digests)) == index


def test_two_environments_with_different_images_of_one_tag_stop_the_delivery(registries: Registries) -> None:
    digests = built(registries)
    registries.printed("publish", TAG, *digests)
    registries.forget(f"{PROD}:{TAG}")
    code, printed, errors = registries.image("publish", TAG, *reversed(digests))
    assert (code, printed) == (1, "")
    assert f"{TAG} is not the same everywhere" in errors


def test_a_release_adds_a_tag_to_the_running_image(registries: Registries) -> None:
    index = registries.printed("publish", TAG, *built(registries))
    assert registries.printed("name", "v0.2.0", index) == index
    assert registries.state["tags"][f"{PROD}:v0.2.0"] == index
    assert registries.printed("name", "v0.2.0", index) == index


def test_a_release_tag_never_moves_to_another_image(registries: Registries) -> None:
    digests = built(registries)
    registries.printed("name", "v0.2.0", digests[0])
    code, _, errors = registries.image("name", "v0.2.0", digests[1])
    assert code == 1
    assert f"v0.2.0 is {digests[0]} already" in errors


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("", "IMAGE_TARGETS is empty"),
        ("arn:aws:iam::000000000000:role/a", "is not a role and a repository"),
        (f"anden-dev-image {DEV}", "is not a role and a repository"),
        (f"arn:aws:iam::000000000000:role/a {DEV}:latest", "is not a role and a repository"),
        (f"arn:aws:iam::000000000000:role/a {DEV} more", "is not a role and a repository"),
        ("arn:aws:iam::000000000000:role/a docker.io/example/anden", "is not a role and a repository"),
    ],
)
def test_invalid_targets_are_named(registries: Registries, targets: str, message: str) -> None:
    code, _, errors = registries.image("login", IMAGE_TARGETS=targets)
    assert code == 1
    assert message in errors
