"""A repository that is deployed from: main on a server, a clone that the pipeline works in, and another person's."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
FILE: Final = "charts/anden/values-image.yaml"
BOT: Final = "41898282+github-actions[bot]@users.noreply.github.com"
PERSON: Final = {"GIT_AUTHOR_NAME": "Person", "GIT_AUTHOR_EMAIL": "person@example.org"} | {
    "GIT_COMMITTER_NAME": "Person",
    "GIT_COMMITTER_EMAIL": "person@example.org",
}
BESIDE: Final = (".ci/deploy.py", ".dockerignore", "Dockerfile", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder with the server, the pipeline's clone and the person's; no configuration of this machine counts."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Repository":
        """One with a first commit, which runs no image yet."""
        here = cls(folder)
        here.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(here.server))
        here.git(folder, "clone", "--quiet", str(here.server), str(here.person))
        here.git(here.person, "checkout", "--quiet", "-B", "main")
        for name in BESIDE:
            (here.person / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, here.person / name)
        here.merged("apps/first.py", "1")
        here.merged(FILE, '# Which image runs.\nimage:\n  tag: "0.1.0"\n  digest: ""\n')
        here.git(folder, "clone", "--quiet", str(here.server), str(here.pipeline))
        return here

    @property
    def server(self) -> Path:
        """The bare repository."""
        return self.folder / "server.git"

    @property
    def person(self) -> Path:
        """The clone of somebody who merges."""
        return self.folder / "person"

    @property
    def pipeline(self) -> Path:
        """The clone that the workflow checked out."""
        return self.folder / "pipeline"

    def surroundings(self, **more: str) -> dict[str, str]:
        """An environment in which git knows nobody, and the pipeline does not pause."""
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(self.folder)}
        return {**os.environ, **nobody, "DEPLOY_PAUSE_S": "0", **more}

    def git(self, where: Path, *words: str, **more: str) -> str:
        """What git says there."""
        done = subprocess.run(
            ["git", *words], cwd=where, env=self.surroundings(**more), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def merged(self, name: str, text: str) -> str:
        """The commit on main in which a person wrote this file."""
        if self.started():
            self.git(self.person, "pull", "--quiet", "--rebase", "origin", "main")
        (self.person / name).parent.mkdir(parents=True, exist_ok=True)
        (self.person / name).write_text(text, encoding="utf-8")
        self.git(self.person, "add", "--all")
        self.git(self.person, "commit", "--quiet", "--message", f"Write {name}", **PERSON)
        self.git(self.person, "push", "--quiet", "origin", "HEAD:main")
        return self.git(self.person, "rev-parse", "HEAD")

    def started(self) -> bool:
        """Whether main has a commit."""
        return bool(self.git(self.server, "branch", "--list", "main"))

    def checked_out(self, commit: str = "origin/main") -> None:
        """Let the pipeline stand on a commit, as actions/checkout does."""
        self.git(self.pipeline, "fetch", "--quiet", "origin")
        self.git(self.pipeline, "checkout", "--quiet", "--force", "--detach", commit)

    def deploy(self, *words: str, **more: str) -> tuple[int, str, str]:
        """What .ci/deploy.py does in the pipeline's clone."""
        return self.run("deploy", *words, **more)

    def run(self, script: str, *words: str, **more: str) -> tuple[int, str, str]:
        """The exit code of a program of .ci/ in the pipeline's clone, what it printed, and what it told."""
        done = subprocess.run(
            [sys.executable, f".ci/{script}.py", *words],
            cwd=self.pipeline,
            env=self.surroundings(**more),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def main(self, *words: str) -> str:
        """The last commit of main on the server, in git's format."""
        return self.git(self.server, "log", "-1", *words, "main")

    def runs(self, branch: str = "main") -> str:
        """The file of the image on the server."""
        return self.git(self.server, "show", f"{branch}:{FILE}")
