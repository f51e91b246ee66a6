"""A process that has loaded Django once and forks for each command, or for each environment that settings are read in.

A start from nothing takes seconds of the processor, most of which are the same imports each time. What is asked
runs in a process of its own all the same: with its own exit code, output and environment.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class ForkServer:
    """The process that forks."""

    process: "subprocess.Popen[str]"

    def manage(self, *words: str) -> tuple[int, str]:
        """The exit code and the output of `manage.py` with these words, in the process's own environment."""
        return self._asked({"words": words})

    def settings(self, environment: Mapping[str, str]) -> tuple[int, str]:
        """The exit code, and the traceback if there is one, of reading the settings in this environment."""
        return self._asked({"environment": dict(environment)})

    def _asked(self, question: Mapping[str, Any]) -> tuple[int, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        code, said = json.loads(self.process.stdout.readline())
        return code, said


@contextmanager
def forked(environment: Mapping[str, str]) -> Iterator[ForkServer]:
    """A process that has read the settings in this environment; it ends with the block."""
    whole = {**environment, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}
    with subprocess.Popen(
        [sys.executable, __file__], cwd=ROOT, env=whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield ForkServer(process)
        process.stdin.close()  # type: ignore[union-attr]
    assert process.returncode == 0


def main() -> None:
    """Answer questions, a line each, until there are no more."""
    importlib.import_module("config.settings")
    importlib.import_module("django").setup()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as said:
            if not (child := os.fork()):
                for stream, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, said.fileno()), (2, said.fileno())):
                    os.dup2(file, stream)
                _answer(**json.loads(line))
                sys.exit(0)
            _, status = os.waitpid(child, 0)
            said.seek(0)
            print(json.dumps([os.waitstatus_to_exitcode(status), said.read().decode()]), flush=True)  # noqa: T201


def _answer(words: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
    """Run the command, or read the settings, as a process that has just been started would."""
    if environment is None:
        sys.argv = ["manage.py", *words]
        importlib.import_module("manage").main()
        return
    os.environ.clear()
    os.environ.update(environment)
    del sys.modules["config.settings"]
    importlib.import_module("django.conf").Settings("config.settings").DATABASES  # noqa: B018


if __name__ == "__main__":
    main()
