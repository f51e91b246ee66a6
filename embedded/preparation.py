"""Sets up tables, contracts, topics, logins and keys, after the servers and before the processes start."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

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
    """The management commands of the setup, logged to one file."""

    def __init__(self, folder: StationFolder, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self.log = folder.logs / "setup.log"

    def run_all(self) -> None:
        """Bring everything up to date; safe to repeat.

        Raises SetupFailed: a command failed; the message names it and the reason.
        """
        commands = [
            ["migrate", "--no-input"],
            ["collectstatic", "--no-input", "--verbosity", "0"],
            ["datasets", "apply", "contracts"],
            ["topics", "ensure"],
            ["steward", "create", "steward"],
            ["probe", "install", "--key-file", str(self._folder.probe_key)],
        ]
        makes_key = not self._folder.demo_key.exists()
        if makes_key:
            commands.append(["clients", "create", "demo", *(word for one in DEMO_GRANTS for word in ("--grant", one))])
        *_, printed = self.manage(commands)
        if makes_key:
            self._keep_demo_key(printed)

    def manage(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """Run the management commands in order; return what each printed.

        Raises SetupFailed: one failed; the later ones were not run.
        """
        printed: list[str] = []
        with self.log.open("a", encoding="utf-8") as log:
            for words, done in zip(commands, self._answers(commands, log), strict=False):
                log.write(f"$ manage.py {' '.join(words)}\n{_KEY.sub('anden_…', done['out'])}{done['err']}")
                if done["code"]:
                    reason = _reason(done["err"]) or last_line(done["out"]) or f"code {done['code']}"
                    raise SetupFailed(f"manage.py {words[0]} failed: {reason} (log: {relative_path(self.log)})")
                printed.append(done["out"])
        if len(printed) < len(commands):
            raise SetupFailed(f"manage.py {commands[len(printed)][0]} was killed (log: {relative_path(self.log)})")
        return printed

    def _answers(self, commands: Sequence[Sequence[str]], log: IO[str]) -> Iterator[dict[str, Any]]:
        """Yield each command's result; fewer if the process is killed."""
        command = [sys.executable, "-m", "embedded.commands"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, env=self._environment, cwd=ROOT
        ) as process:
            try:
                # The process may already have exited.
                with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as stdin:
                    stdin.write(json.dumps(commands).encode())
                yield from map(json.loads, cast("IO[bytes]", process.stdout))
            finally:
                process.kill()

    def _keep_demo_key(self, printed: str) -> None:
        """Store the demo client's key, which is printed only once."""
        key = _KEY.search(printed)
        if key is None:
            raise SetupFailed(f"manage.py clients printed no key (log: {relative_path(self.log)})")
        write_secret(self._folder.demo_key, key.group())


def _reason(stderr: str) -> str:
    """The CommandError's message, else the last line of stderr."""
    mark = "CommandError: "
    given = [line.removeprefix(mark) for line in stderr.splitlines() if line.startswith(mark)]
    return given[-1] if given else last_line(stderr)


def last_line(text: str) -> str:
    """The text's last non-empty line."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def relative_path(path: Path) -> str:
    """The path relative to the current folder, as you would type it."""
    return os.path.relpath(path)
