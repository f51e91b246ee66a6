"""What happens between the servers' start and the processes': tables, contracts, topics, logins, keys."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from embedded.environment import ROOT, StationFolder, write_secret
from embedded.errors import SetupFailed

DEMO_GRANTS: Final = (
    "flights:read",
    "airlines:read",
    "airports:read",
    "planes:read",
    "weather:read",
    "persons:read,write",
)
_KEY: Final = re.compile(r"\banden_[A-Za-z0-9-]+_[A-Za-z0-9_-]+")


class Preparation:
    """The management commands of the set-up, in the station's environment, logged in one file."""

    def __init__(self, folder: StationFolder, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self.log = folder.logs / "setup.log"

    def run_all(self) -> None:
        """Bring the station's state up to date; what is there already stays as it is.

        Raises SetupFailed: a command failed, and the message says which and why.
        """
        self.manage("migrate", "--no-input")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        self.manage("datasets", "apply", "contracts")
        self.manage("topics", "ensure")
        self.manage("steward", "create", "steward")
        if not self._folder.demo_key.exists():
            self._make_demo_key()
        self.manage("probe", "install", "--key-file", str(self._folder.probe_key))

    def manage(self, *words: str) -> str:
        """What the management command printed.

        Raises SetupFailed: it ended with another code than 0.
        """
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environment,
            cwd=ROOT,
            check=False,
        )
        with self.log.open("a") as log:
            log.write(f"$ manage.py {' '.join(words)}\n{_KEY.sub('anden_…', done.stdout)}{done.stderr}")
        if done.returncode != 0:
            said = _reason(done.stderr) or last_line(done.stdout) or f"code {done.returncode}"
            raise SetupFailed(f"manage.py {words[0]} failed: {said} (log: {shown(self.log)})")
        return done.stdout

    def _make_demo_key(self) -> None:
        """Make the demo client and keep its key, which is printed only once."""
        grants = [word for grant in DEMO_GRANTS for word in ("--grant", grant)]
        key = _KEY.search(self.manage("clients", "create", "demo", *grants))
        if key is None:
            raise SetupFailed(f"manage.py clients printed no key (log: {shown(self.log)})")
        write_secret(self._folder.demo_key, key.group())


def _reason(stderr: str) -> str:
    """What the command itself gives as its reason, else the last it said."""
    mark = "CommandError: "
    given = [line.removeprefix(mark) for line in stderr.splitlines() if line.startswith(mark)]
    return given[-1] if given else last_line(stderr)


def last_line(text: str) -> str:
    """The last line of the text that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def shown(path: Path) -> str:
    """The path as a person in the project's folder would type it."""
    return os.path.relpath(path)
