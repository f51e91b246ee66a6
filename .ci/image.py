#!/usr/bin/env python3
"""Builds Andén's image and pushes it to the registries; prints a digest. Called by .github/workflows.

IMAGE_TARGETS has a line per environment, Terraform's output `image_target`: a role, and the repository that it may
push to. Roles are assumed with GitHub's identity token, so no key is stored. Needs Docker and the AWS CLI.
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

# Like in a pod: read-only except for two folders. Settings require a key and a URL; neither is used.
RUN_OPTIONS: Final = (
    *("--rm", "--read-only", "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--tmpfs", "/var/lib/anden:uid=10001"),  # noqa: S108 - a mount in the container
    *(
        "--env",
        "ANDEN_SECRET_KEY=only-while-the-image-is-tried-0123456789",
        "--env",
        "ANDEN_MONITORING_METRICS_FOLDER=",
    ),
    *("--env", "ANDEN_DATABASE_APP_URL=postgresql://unused@127.0.0.1:1/unused"),
)


class Refused(Exception):
    """The image was not built or pushed as requested: the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """An environment's image repository, and the role that may push to it."""

    role: str
    repository: str

    @property
    def host(self) -> str:
        """The registry's host."""
        return self.repository.partition("/")[0]

    @property
    def region(self) -> str:
        """The registry's AWS region."""
        return self.host.split(".")[3]


def targets(text: str) -> list[Target]:
    """The targets in IMAGE_TARGETS. Raises Refused: it is empty, or a line is malformed."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        match = re.fullmatch(
            r"\s*(arn:aws[a-z-]*:iam::\d{12}:role/\S+)\s+(\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[a-z0-9-]+)\s*",
            line,
        )
        if not match:
            raise Refused(
                f"IMAGE_TARGETS: '{line.strip()}' is not a role and a repository, as in the output `image_target`"
            )
        found.append(Target(match[1], match[2]))
    if not found:
        raise Refused("IMAGE_TARGETS is empty: add a line for each environment")
    return found


def run(*words: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
    """The program's stdout; its stderr goes to the log. Raises Refused: it failed."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        input=stdin,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"{' '.join(words[:3])} ended with {done.returncode}")
    return done.stdout.strip()


def login(environments: Sequence[Target]) -> None:
    """Log Docker in to each registry, for a few hours."""
    request = urllib.request.Request(  # noqa: S310 - GitHub's own URL
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=sts.amazonaws.com",
        headers={"Authorization": f"bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - GitHub's own URL
        identity = json.load(response)["value"]
    with tempfile.TemporaryDirectory() as folder:
        token = Path(folder, "token")
        token.write_text(identity, encoding="utf-8")
        for each in environments:
            role = {
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                "AWS_ROLE_ARN": each.role,
                "AWS_ROLE_SESSION_NAME": f"image-{os.environ.get('GITHUB_RUN_ID', '0')}",
            }
            password = run("aws", "ecr", "get-login-password", "--region", each.region, env=role)
            run("docker", "login", "--username", "AWS", "--password-stdin", each.host, stdin=password)


def build_and_start(tag: str, platform: str) -> tuple[str, ...]:
    """Build the platform's image, check that it starts, and return the build command."""
    builder = ("--name", "anden", "--driver", "docker-container", "--driver-opt", f"image={BUILDKIT}")
    run("docker", "buildx", "create", *builder)
    revision = run("git", "rev-parse", "HEAD")
    building = (
        *("docker", "buildx", "build", "--builder", "anden", "--platform", f"linux/{platform}", "--progress", "plain"),
        *("--label", f"org.opencontainers.image.version={tag}"),
        *("--label", f"org.opencontainers.image.revision={revision}"),
    )
    run(*building, "--load", "--tag", f"anden:{tag}", ".")
    run("docker", "run", *RUN_OPTIONS, f"anden:{tag}", "manage", "check")
    return building


def build(environments: Sequence[Target], tag: str, platform: str) -> str:
    """Build, check and push the platform's image to each repository without a tag; return its digest."""
    building = build_and_start(tag, platform)
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
    """Join the platforms' images under the tag in each repository; return the digest of the image index."""

    def join(repository: str) -> None:
        parts = (f"{repository}@{digest}" for digest in digests)
        run("docker", "buildx", "imagetools", "create", "--tag", f"{repository}:{tag}", *parts)

    return everywhere(environments, tag, join)


def name(environments: Sequence[Target], tag: str, digest: str) -> str:
    """Add a tag to an image in each repository; return its digest."""

    def copy(repository: str) -> None:
        run("docker", "buildx", "imagetools", "create", "--tag", f"{repository}:{tag}", f"{repository}@{digest}")

    found = everywhere(environments, tag, copy)
    if found != digest:
        raise Refused(f"{tag} is {found} already, not {digest}: tags are never overwritten")
    return found


def everywhere(environments: Sequence[Target], tag: str, make: Callable[[str], None]) -> str:
    """Create the tag in each repository that lacks it, without overwriting; return its digest.

    Raises Refused: the tag has different digests in two repositories.
    """
    found = {}
    for each in environments:
        digest = digest_of(f"{each.repository}:{tag}")
        if not digest:
            make(each.repository)
            digest = digest_of(f"{each.repository}:{tag}")
        found[each.repository] = digest
    if len(set(found.values())) != 1 or "" in found.values():
        raise Refused(f"{tag} is not the same everywhere: {found}")
    return digest


def digest_of(reference: str) -> str:
    """The reference's digest; empty if it does not exist."""
    words = ("docker", "buildx", "imagetools", "inspect", reference, "--format", "{{.Manifest.Digest}}")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> int:
    """Run the command; return 1 if it was refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("try", help="build one platform's image and start it, without pushing")
    command.add_argument("platform", choices=PLATFORMS)
    commands.add_parser("login", help="log Docker in to each registry")
    command = commands.add_parser("build", help="build, start and push one platform's image, without a tag")
    command.add_argument("tag")
    command.add_argument("platform", choices=PLATFORMS)
    command = commands.add_parser("publish", help="join the platforms' images under the tag")
    command.add_argument("tag")
    command.add_argument("digests", nargs=len(PLATFORMS), metavar="digest")
    command = commands.add_parser("name", help="add a tag to an existing image")
    command.add_argument("tag")
    command.add_argument("digest")
    options = vars(parser.parse_args())
    actions: dict[str, Callable[..., str | None]] = {"login": login, "build": build, "publish": publish, "name": name}
    try:
        if options["command"] == "try":
            build_and_start("tried", options["platform"])
            return 0
        printed = actions[options.pop("command")](targets(os.environ.get("IMAGE_TARGETS", "")), **options)
    except Refused as refused:
        print(f"image: {refused}", file=sys.stderr)
        return 1
    if printed:
        print(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
