"""A process that loads Django once and forks for each management command or settings check.

Starting from scratch takes seconds of CPU, mostly for the same imports. Each request still runs in its own
process, with its own exit code, output and environment.
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
    """The parent process."""

    process: "subprocess.Popen[str]"

    def manage(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of `manage.py` with these arguments."""
        return self._request({"arguments": arguments})

    def settings(self, environment: Mapping[str, str]) -> tuple[int, str]:
        """Exit code and output (a traceback on failure) of loading the settings in this environment."""
        return self._request({"environment": dict(environment)})

    def _request(self, request: Mapping[str, Any]) -> tuple[int, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code, output = json.loads(self.process.stdout.readline())
        return code, output


@contextmanager
def fork_server(environment: Mapping[str, str]) -> Iterator[ForkServer]:
    """Start a process with the settings of this environment; it exits at the end of the block."""
    variables = {
        **environment,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    with subprocess.Popen(
        [sys.executable, __file__], cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield ForkServer(process)
        process.stdin.close()  # type: ignore[union-attr]
    assert process.returncode == 0


def main() -> None:
    """Serve requests, one per line, until the input ends."""
    importlib.import_module("config.settings")
    importlib.import_module("django").setup()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            if not (child := os.fork()):
                for stream, file in (
                    (0, os.open(os.devnull, os.O_RDONLY)),
                    (1, output.fileno()),
                    (2, output.fileno()),
                ):
                    os.dup2(file, stream)
                _serve(**json.loads(line))
                sys.exit(0)
            _, status = os.waitpid(child, 0)
            output.seek(0)
            print(json.dumps([os.waitstatus_to_exitcode(status), output.read().decode()]), flush=True)  # noqa: T201


def _serve(arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
    """Run the command or load the settings, as a new process would."""
    if environment is None:
        sys.argv = ["manage.py", *arguments]
        importlib.import_module("manage").main()
        return
    os.environ.clear()
    os.environ.update(environment)
    del sys.modules["config.settings"]
    importlib.import_module("django.conf").Settings("config.settings").DATABASES  # noqa: B018


if __name__ == "__main__":
    main()
