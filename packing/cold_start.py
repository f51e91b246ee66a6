"""Measures the API function's cold start: a new process with only its files, and one event."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROUNDS: Final = 3

CODE: Final = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
from functions.api import handler
ready = time.process_time()
answer = handler(json.loads(sys.argv[2]), None)
assert answer["statusCode"] == 200, answer
print(json.dumps([ready - began, time.process_time() - ready]))
"""
EVENT: Final[dict[str, Any]] = {
    "version": "2.0",
    "rawPath": "/api/problems",
    "rawQueryString": "",
    "headers": {"host": "localhost"},
    "requestContext": {"http": {"method": "GET", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
    "isBase64Encoded": False,
}
"""Handled without a database, so that only our own code is measured."""
ENVIRONMENT: Final = {
    "ANDEN_SECRET_KEY": "only-to-measure-0123456789-0123456789",
    **{f"ANDEN_DATABASE_{role}_URL": "postgresql://unused@127.0.0.1:1/unused" for role in ("APP", "READER", "WRITER")},
}


@dataclass(frozen=True)
class ColdStart:
    """Medians of new processes on this machine, in CPU seconds; wall time on a shared machine is longer."""

    import_s: float
    first_s: float

    def summary(self) -> str:
        """The figures as text."""
        return f"import {self.import_s:.2f} s, first request {self.first_s:.2f} s of one core"


def cold_start(folder: Path, *, bytecode: bool, rounds: int = ROUNDS) -> ColdStart:
    """Measure the cold start of the function in this folder, with nothing else on its path.

    Without bytecode it is like on Lambda: the zip has none, because it depends on the Python version, and Lambda's
    folder is read-only. With bytecode, an additional first round writes it.
    """
    words = ["-I", "-S", *([] if bytecode else ["-B"]), "-c", CODE, str(folder), json.dumps(EVENT)]
    measured = [_round(words, folder) for _ in range(rounds + bytecode)][bytecode:]
    return ColdStart(*map(statistics.median, zip(*measured, strict=True)))


def _round(words: list[str], folder: Path) -> list[float]:
    command = [sys.executable, *words]
    done = subprocess.run(command, env=ENVIRONMENT, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds
