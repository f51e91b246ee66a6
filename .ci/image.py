#!/usr/bin/env python3
"""The image of Andén on its way into the registries; what it prints is a digest. Called by .github/workflows.

IMAGE_TARGETS has a line for each environment, Terraform's output `image_target`: a role, and the repository that it
may push to. A role comes from GitHub's identity token, so no key is stored. Wants Docker, AWS's command line and no
package.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILDKIT: Final = "moby/buildkit:v0.29.0"
SBOM: Final = "docker/buildkit-syft-scanner:1.12.0"
PLATFORMS: Final = ("amd64", "arm64")

# As a pod has it: nothing to write to but two folders. Settings want a key and a URL; neither is used.
TRIED: Final = (
    *("--rm", "--read-only", "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--tmpfs", "/var/lib/anden:uid=10001"),  # noqa: S108 - a mount in the container
    *(
        "--env",
        "ANDEN_SECRET_KEY=only-while-the-image-is-tried-0123456789",
        "--env",
        "ANDEN_MONITORING_METRICS_FOLDER=",
    ),
    *("--env", "ANDEN_DATABASE_APP_URL=postgresql://nobody@127.0.0.1:1/nothing"),
)


class Refused(Exception):
    """The image is not where it should be, and a person has to look."""


@dataclass(frozen=True, slots=True)
class Target:
    """An environment's repository, and the role that may push to it."""

    role: str
    repository: str

    @property
    def host(self) -> str:
        """The registry."""
        return self.repository.partition("/")[0]

    @property
    def region(self) -> str:
        """Where on AWS it is."""
        return self.host.split(".")[3]


def targets(text: str) -> list[Target]:
    """The environments of IMAGE_TARGETS. Raises Refused: there is none, or a line is not of its form."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        said = re.fullmatch(
            r"\s*(arn:aws[a-z-]*:iam::\d{12}:role/\S+)\s+(\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[a-z0-9-]+)\s*",
            line,
        )
        if not said:
            raise Refused(
                f"IMAGE_TARGETS: '{line.strip()}' is not a role and a repository, as `image_target` says them"
            )
        found.append(Target(said[1], said[2]))
    if not found:
        raise Refused("IMAGE_TARGETS is empty: it has a line for each environment")
    return found


def run(*words: str, said: str | None = None, surroundings: dict[str, str] | None = None) -> str:
    """What the program printed; what it complained of goes to the log. Raises Refused: it failed."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        input=said,
        env={**os.environ, **(surroundings or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"{' '.join(words[:3])} ended with {done.returncode}")
    return done.stdout.strip()


def login(environments: Sequence[Target]) -> None:
    """Let Docker push to each registry for some hours."""
    request = urllib.request.Request(  # noqa: S310 - GitHub's own address
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=sts.amazonaws.com",
        headers={"Authorization": f"bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - GitHub's own address
        identity = json.load(answer)["value"]
    with tempfile.TemporaryDirectory() as folder:
        token = Path(folder, "token")
        token.write_text(identity, encoding="utf-8")
        for each in environments:
            role = {
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                "AWS_ROLE_ARN": each.role,
                "AWS_ROLE_SESSION_NAME": f"image-{os.environ.get('GITHUB_RUN_ID', '0')}",
            }
            password = run("aws", "ecr", "get-login-password", "--region", each.region, surroundings=role)
            run("docker", "login", "--username", "AWS", "--password-stdin", each.host, said=password)


def tried(tag: str, platform: str) -> tuple[str, ...]:
    """The words that build the platform's image, which was built by them here, and starts."""
    builder = ("--name", "anden", "--driver", "docker-container", "--driver-opt", f"image={BUILDKIT}")
    run("docker", "buildx", "create", *builder)
    revision = run("git", "rev-parse", "HEAD")
    building = (
        *("docker", "buildx", "build", "--builder", "anden", "--platform", f"linux/{platform}", "--progress", "plain"),
        *("--label", f"org.opencontainers.image.version={tag}"),
        *("--label", f"org.opencontainers.image.revision={revision}"),
    )
    run(*building, "--load", "--tag", f"anden:{tag}", ".")
    run("docker", "run", *TRIED, f"anden:{tag}", "manage", "check")
    return building


def build(environments: Sequence[Target], tag: str, platform: str) -> str:
    """The digest of the platform's image, which starts, and is in each repository without a tag."""
    building = tried(tag, platform)
    names = ",".join(each.repository for each in environments)
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder, "metadata.json")
        run(
            *building,
            *("--provenance", "mode=max", "--sbom", f"generator={SBOM}", "--metadata-file", str(metadata)),
            *("--output", f'type=image,"name={names}",push-by-digest=true,name-canonical=true,push=true', "."),
        )
        return str(json.loads(metadata.read_text(encoding="utf-8"))["containerimage.digest"])


def publish(environments: Sequence[Target], tag: str, digests: Sequence[str]) -> str:
    """The digest of the whole, which has the tag in each repository and holds an image of each platform."""

    def join(repository: str) -> None:
        parts = (f"{repository}@{digest}" for digest in digests)
        run("docker", "buildx", "imagetools", "create", "--tag", f"{repository}:{tag}", *parts)

    return everywhere(environments, tag, join)


def name(environments: Sequence[Target], tag: str, digest: str) -> str:
    """The digest, which has one more tag in each repository."""

    def copy(repository: str) -> None:
        run("docker", "buildx", "imagetools", "create", "--tag", f"{repository}:{tag}", f"{repository}@{digest}")

    found = everywhere(environments, tag, copy)
    if found != digest:
        raise Refused(f"{tag} is {found} already, not {digest}: a tag is written once")
    return found


def everywhere(environments: Sequence[Target], tag: str, make: Callable[[str], None]) -> str:
    """The one digest that the tag has in each repository, made where it is missing: a tag is written once.

    Raises Refused: two repositories hold different images under it.
    """
    found = {}
    for each in environments:
        there = digest_of(f"{each.repository}:{tag}")
        if not there:
            make(each.repository)
            there = digest_of(f"{each.repository}:{tag}")
        found[each.repository] = there
    if len(set(found.values())) != 1 or "" in found.values():
        raise Refused(f"{tag} is not the same everywhere: {found}")
    return there


def digest_of(reference: str) -> str:
    """What the tag stands for; empty where there is none."""
    words = ("docker", "buildx", "imagetools", "inspect", reference, "--format", "{{.Manifest.Digest}}")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> int:
    """0, or 1 where a person has to look."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("try", help="build one platform's image and start it; it goes nowhere")
    command.add_argument("platform", choices=PLATFORMS)
    commands.add_parser("login", help="let Docker push to each registry")
    command = commands.add_parser("build", help="build, try and push one platform's image, without a tag")
    command.add_argument("tag")
    command.add_argument("platform", choices=PLATFORMS)
    command = commands.add_parser("publish", help="join the platforms' images under the tag")
    command.add_argument("tag")
    command.add_argument("digests", nargs=len(PLATFORMS), metavar="digest")
    command = commands.add_parser("name", help="give one more tag to an image that is there")
    command.add_argument("tag")
    command.add_argument("digest")
    said = vars(parser.parse_args())
    does: dict[str, Callable[..., str | None]] = {"login": login, "build": build, "publish": publish, "name": name}
    try:
        if said["command"] == "try":
            tried("tried", said["platform"])
            return 0
        printed = does[said.pop("command")](targets(os.environ.get("IMAGE_TARGETS", "")), **said)
    except Refused as refused:
        print(f"image: {refused}", file=sys.stderr)
        return 1
    if printed:
        print(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
