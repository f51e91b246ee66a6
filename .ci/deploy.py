#!/usr/bin/env python3
"""Deploys an image by committing charts/anden/values-image.yaml. Called by .github/workflows.

Needs the full git history and no packages. A tag is a version and a commit, such as 0.1.0-0123456789ab.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = "charts/anden/values-image.yaml"
PROPOSAL: Final = "image"
TRIES: Final = 5
BOT: Final = "github-actions[bot]"
BOT_MAIL: Final = "41898282+github-actions[bot]@users.noreply.github.com"


class Refused(Exception):
    """Nothing was deployed: the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image's tag and digest, as in the chart; the digest decides what runs."""

    tag: str
    digest: str

    @classmethod
    def checked(cls, tag: str, digest: str) -> "Image":
        """The image. Raises Refused: the tag or the digest is malformed."""
        if not re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", tag):
            raise Refused(f"'{tag}' is no tag: use a version and a commit, as `due` prints it")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise Refused(f"'{digest}' is no digest")
        return cls(tag, digest)

    @classmethod
    def read(cls) -> "Image":
        """The image in this checkout; its digest is empty until the first deployment."""
        values = dict(re.findall(r'^  (tag|digest): "(.*)"$', (ROOT / FILE).read_text(encoding="utf-8"), re.MULTILINE))
        return cls(values["tag"], values["digest"])

    def write(self) -> None:
        """Write the image to the checkout."""
        values = f'image:\n  tag: "{self.tag}"\n  digest: "{self.digest}"\n'
        comment = "# The release pipeline alone writes this file: which image runs.\n"
        (ROOT / FILE).write_text(comment + values, encoding="utf-8")

    def commit(self) -> str:
        """The commit that the image was built from; empty if it is not in this repository."""
        return output("rev-parse", "--quiet", "--verify", f"{self.tag.rpartition('-')[2]}^{{commit}}", check=False)


def output(*words: str, check: bool = True) -> str:
    """Git's output. Raises Refused: git failed and `check` is true."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Refused(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def succeeds(*words: str) -> bool:
    """Whether the git command succeeds."""
    return subprocess.run(["git", *words], cwd=ROOT, stdout=sys.stderr, check=False).returncode == 0


def note(text: str) -> None:
    """Print a message to stderr; stdout is for callers."""
    print(f"deploy: {text}", file=sys.stderr)


def same_content(commit: str) -> bool:
    """Whether the files that go into an image, listed in .dockerignore, have not changed since the commit."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    parts = [line[1:] for line in lines if line.startswith("!")]
    return succeeds("diff", "--quiet", commit, "HEAD", "--", "Dockerfile", ".dockerignore", *parts)


def due() -> str:
    """The tag of the image to build for this commit; empty if the running image has the same content.

    A manual rollback stays in place until a change to an image's content is merged.
    """
    runs = Image.read()
    last, author = output("log", "-1", "--format=%H %ae", "--", FILE).split()
    since = runs.commit() if author == BOT_MAIL else last
    if runs.digest and since and same_content(since):
        note(f"the image's content has not changed since {since[:12]}")
        return ""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return f"{version}-{output('rev-parse', '--short=12', 'HEAD')}"


def put_on_main(image: Image) -> bool:
    """Check out the current main and stage the image; False if main already runs it or a newer one.

    Raises Refused: a person has set another image since this one's commit.
    """
    built_from = image.commit()
    if not built_from:
        raise Refused(f"{image.tag} was built from a commit that is not here")
    output("fetch", "--quiet", "origin", "main")
    output("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
    runs = Image.read()
    running = runs.commit()
    if running and not succeeds("merge-base", "--is-ancestor", running, built_from):
        note(f"main runs {runs.tag}, which is newer than {image.tag}")
        return False
    by_hand = [
        line
        for line in output("log", "--format=%h %ae", f"{built_from}..HEAD", "--", FILE).splitlines()
        if BOT_MAIL not in line
    ]
    if by_hand:
        raise Refused(f"{by_hand[0].split()[0]} has set the image by hand since: the next merge deploys again")
    image.write()
    output("add", FILE)
    if succeeds("diff", "--cached", "--quiet"):
        note(f"main already runs {image.tag}")
        return False
    return True


def record(image: Image, subject: str) -> None:
    """Commit the staged file as the pipeline's user."""
    body = f"Built from {image.commit()}, pushed as {image.digest}."
    identity = ("-c", f"user.name={BOT}", "-c", f"user.email={BOT_MAIL}")
    output(*identity, "commit", "--quiet", "--message", subject, "--message", body)


def commit(image: Image) -> None:
    """Commit the image to main and push; retry if main has moved meanwhile.

    This triggers no workflow: GitHub starts none for its own token, ci.yml ignores the file, and the subject skips CI.
    """
    for attempt in range(1, TRIES + 1):
        if not put_on_main(image):
            return
        record(image, f"Run image {image.tag} [skip ci]")
        if succeeds("push", "--quiet", "origin", "HEAD:refs/heads/main"):
            return
        note(f"main has moved, or takes no push: tried {attempt} of {TRIES} times")
        time.sleep(float(os.environ.get("DEPLOY_PAUSE_S", 3 * attempt)))
    raise Refused("main takes no push. If it requires pull requests, set the variable DEPLOY_BY to pull-request")


def propose(image: Image) -> None:
    """Push the image to the proposal branch, open a pull request if none is open, and start its checks."""
    if not put_on_main(image):
        return
    record(image, f"Run image {image.tag}")
    output("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{PROPOSAL}")
    if hub("pr", "list", "--base", "main", "--head", PROPOSAL, "--state", "open", "--json", "number") == "[]":
        body = "The pipeline updates this branch for each new image. Merging deploys it: docs/guides/delivery.md."
        words = ("--base", "main", "--head", PROPOSAL, "--title", "Run the newest image", "--body", body)
        note(hub("pr", "create", *words))
    # GitHub starts no workflow for pushes by its own token, except on request.
    hub("workflow", "run", "ci.yml", "--ref", PROPOSAL)


def hub(*words: str) -> str:
    """The output of GitHub's CLI. Raises Refused: it failed."""
    done = subprocess.run(["gh", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"gh {' '.join(words[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()


def released() -> str:
    """The digest that this commit runs. Raises Refused: the image was built from other content."""
    runs = Image.read()
    built_from = runs.commit()
    if not runs.digest or not built_from:
        raise Refused(f"{FILE} names no image that was built here")
    if not same_content(built_from):
        raise Refused(f"{runs.tag} was built from other content: wait for the commit that writes the image")
    return runs.digest


def main() -> int:
    """Run the command; return 1 if it was refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("due", help="print the tag of the image to build for this commit, if any")
    for name, what in (("commit", "commit the image to main"), ("propose", "propose the image in a pull request")):
        command = commands.add_parser(name, help=what)
        command.add_argument("tag")
        command.add_argument("digest")
    commands.add_parser("released", help="print the digest of the image that this commit runs")
    options = parser.parse_args()
    try:
        if options.command in {"commit", "propose"}:
            {"commit": commit, "propose": propose}[options.command](Image.checked(options.tag, options.digest))
        else:
            print({"due": due, "released": released}[options.command]())
    except Refused as refused:
        note(str(refused))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
