"""A Git server with main, the pipeline's clone, and a developer's clone."""

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
OTHER_FILES: Final = (".ci/deploy.py", ".dockerignore", "Dockerfile", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Repository:
    """The server and both clones in a folder, isolated from this machine's Git configuration."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Repository":
        """Create one whose first commit names no image yet."""
        here = cls(folder)
        here.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(here.server))
        here.git(folder, "clone", "--quiet", str(here.server), str(here.person))
        here.git(here.person, "checkout", "--quiet", "-B", "main")
        for name in OTHER_FILES:
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
        """The developer's clone."""
        return self.folder / "person"

    @property
    def pipeline(self) -> Path:
        """The workflow's checkout."""
        return self.folder / "pipeline"

    def environ(self, **more: str) -> dict[str, str]:
        """Environment without Git configuration and without retry delays."""
        isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(self.folder)}
        return {**os.environ, **isolated, "DEPLOY_PAUSE_S": "0", **more}

    def git(self, where: Path, *arguments: str, **more: str) -> str:
        """Run git there and return its output."""
        done = subprocess.run(
            ["git", *arguments], cwd=where, env=self.environ(**more), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.strip()

    def merged(self, name: str, text: str) -> str:
        """Write the file in a commit on main and return its hash."""
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
        """Check out a commit in the pipeline's clone, as actions/checkout does."""
        self.git(self.pipeline, "fetch", "--quiet", "origin")
        self.git(self.pipeline, "checkout", "--quiet", "--force", "--detach", commit)

    def deploy(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        """Run .ci/deploy.py in the pipeline's clone."""
        return self.run("deploy", *arguments, **more)

    def run(self, script: str, *arguments: str, **more: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a .ci/ program in the pipeline's clone."""
        done = subprocess.run(
            [sys.executable, f".ci/{script}.py", *arguments],
            cwd=self.pipeline,
            env=self.environ(**more),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def main(self, *arguments: str) -> str:
        """The last commit of main on the server, in the given format."""
        return self.git(self.server, "log", "-1", *arguments, "main")

    def runs(self, branch: str = "main") -> str:
        """values-image.yaml on the server."""
        return self.git(self.server, "show", f"{branch}:{FILE}")
