#!/usr/bin/env python3
"""Which image runs: charts/anden/values-image.yaml, and the commits that write it. Called by .github/workflows.

Wants the whole history and no package. A tag is a version and a commit, as in 0.1.0-0123456789ab.
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
    """Nothing was deployed, and a person has to look."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the chart names it; the digest is what counts."""

    tag: str
    digest: str

    @classmethod
    def checked(cls, tag: str, digest: str) -> "Image":
        """The image. Raises Refused: one of its two names is none."""
        if not re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", tag):
            raise Refused(f"'{tag}' is no tag: a version and a commit, as `due` says it")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise Refused(f"'{digest}' is no digest")
        return cls(tag, digest)

    @classmethod
    def read(cls) -> "Image":
        """The image that the checkout runs; without a digest there is none yet."""
        said = dict(re.findall(r'^  (tag|digest): "(.*)"$', (ROOT / FILE).read_text(encoding="utf-8"), re.MULTILINE))
        return cls(said["tag"], said["digest"])

    def write(self) -> None:
        """Let the checkout run this image."""
        said = f'image:\n  tag: "{self.tag}"\n  digest: "{self.digest}"\n'
        comment = "# The release pipeline alone writes this file: which image runs.\n"
        (ROOT / FILE).write_text(comment + said, encoding="utf-8")

    def commit(self) -> str:
        """What it was built from; empty where that is no commit of this repository."""
        return output("rev-parse", "--quiet", "--verify", f"{self.tag.rpartition('-')[2]}^{{commit}}", check=False)


def output(*words: str, check: bool = True) -> str:
    """What git says. Raises Refused: git failed, and `check` was not taken away."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Refused(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def succeeds(*words: str) -> bool:
    """Whether git answers yes."""
    return subprocess.run(["git", *words], cwd=ROOT, stdout=sys.stderr, check=False).returncode == 0


def note(text: str) -> None:
    """Tell a person, and nobody who reads what is printed."""
    print(f"deploy: {text}", file=sys.stderr)


def same_content(commit: str) -> bool:
    """Whether what goes into an image is here as it was in the commit: .dockerignore is the list of it."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    parts = [line[1:] for line in lines if line.startswith("!")]
    return succeeds("diff", "--quiet", commit, "HEAD", "--", "Dockerfile", ".dockerignore", *parts)


def due() -> str:
    """The tag of the image that this commit wants; empty where what runs is what it would build.

    Who went back by hand stays there until something that goes into an image is merged.
    """
    runs = Image.read()
    last, author = output("log", "-1", "--format=%H %ae", "--", FILE).split()
    since = runs.commit() if author == BOT_MAIL else last
    if runs.digest and since and same_content(since):
        note(f"what goes into an image has not changed since {since[:12]}")
        return ""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return f"{version}-{output('rev-parse', '--short=12', 'HEAD')}"


def put_on_main(image: Image) -> bool:
    """Whether the image stands in a checkout of main as it is now, staged: not where main runs it, or a newer one.

    Raises Refused: a person has chosen another image since this one's commit.
    """
    mine = image.commit()
    if not mine:
        raise Refused(f"{image.tag} was built from a commit that is not here")
    output("fetch", "--quiet", "origin", "main")
    output("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
    runs = Image.read()
    theirs = runs.commit()
    if theirs and not succeeds("merge-base", "--is-ancestor", theirs, mine):
        note(f"main runs {runs.tag}, which is newer than {image.tag}")
        return False
    by_hand = [
        line
        for line in output("log", "--format=%h %ae", f"{mine}..HEAD", "--", FILE).splitlines()
        if BOT_MAIL not in line
    ]
    if by_hand:
        raise Refused(f"{by_hand[0].split()[0]} has set the image by hand since: the next merge goes on from there")
    image.write()
    output("add", FILE)
    if succeeds("diff", "--cached", "--quiet"):
        note(f"main runs {image.tag} already")
        return False
    return True


def record(image: Image, subject: str) -> None:
    """Commit what is staged, as the pipeline."""
    body = f"Built from {image.commit()}, pushed as {image.digest}."
    identity = ("-c", f"user.name={BOT}", "-c", f"user.email={BOT_MAIL}")
    output(*identity, "commit", "--quiet", "--message", subject, "--message", body)


def commit(image: Image) -> None:
    """Commit the image to main and push, again where main has moved meanwhile.

    No workflow answers: GitHub starts none for its own token, ci.yml passes over the file, the subject asks for none.
    """
    for tried in range(1, TRIES + 1):
        if not put_on_main(image):
            return
        record(image, f"Run image {image.tag} [skip ci]")
        if succeeds("push", "--quiet", "origin", "HEAD:refs/heads/main"):
            return
        note(f"main has moved, or takes no push: tried {tried} of {TRIES} times")
        time.sleep(float(os.environ.get("DEPLOY_PAUSE_S", 3 * tried)))
    raise Refused("main takes no push. Where it wants pull requests, set the variable DEPLOY_BY to pull-request")


def propose(image: Image) -> None:
    """Move the proposal to the image, open its pull request where none is, and ask for the checks it waits for."""
    if not put_on_main(image):
        return
    record(image, f"Run image {image.tag}")
    output("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{PROPOSAL}")
    if hub("pr", "list", "--base", "main", "--head", PROPOSAL, "--state", "open", "--json", "number") == "[]":
        body = "The pipeline moves this branch to each new image. To merge it is to deploy: docs/guides/delivery.md."
        words = ("--base", "main", "--head", PROPOSAL, "--title", "Run the newest image", "--body", body)
        note(hub("pr", "create", *words))
    # GitHub starts nothing for what its own token pushes, but for a run that is asked for.
    hub("workflow", "run", "ci.yml", "--ref", PROPOSAL)


def hub(*words: str) -> str:
    """What GitHub's command line says. Raises Refused: it failed."""
    done = subprocess.run(["gh", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"gh {' '.join(words[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()


def released() -> str:
    """The digest that this commit runs. Raises Refused: it was built from something else."""
    runs = Image.read()
    built_from = runs.commit()
    if not runs.digest or not built_from:
        raise Refused(f"{FILE} names no image that was built here")
    if not same_content(built_from):
        raise Refused(f"{runs.tag} was built from other content: wait for the commit that writes the image")
    return runs.digest


def main() -> int:
    """0, or 1 where a person has to look."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("due", help="print the tag of the image that this commit wants, if any")
    for name, what in (("commit", "commit the image to main"), ("propose", "the same by a pull request")):
        command = commands.add_parser(name, help=what)
        command.add_argument("tag")
        command.add_argument("digest")
    commands.add_parser("released", help="print the digest of the image that this commit runs")
    said = parser.parse_args()
    try:
        if said.command in {"commit", "propose"}:
            {"commit": commit, "propose": propose}[said.command](Image.checked(said.tag, said.digest))
        else:
            print({"due": due, "released": released}[said.command]())
    except Refused as refused:
        note(str(refused))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
