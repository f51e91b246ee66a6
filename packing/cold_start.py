"""How long the API's function takes to begin: a fresh process, its files alone, one event."""

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
"""It is answered without a database: what is measured is ours alone."""
SURROUNDINGS: Final = {
    "ANDEN_SECRET_KEY": "only-to-measure-0123456789-0123456789",
    **{
        f"ANDEN_DATABASE_{role}_URL": "postgresql://nobody@127.0.0.1:1/nothing" for role in ("APP", "READER", "WRITER")
    },
}


@dataclass(frozen=True)
class ColdStart:
    """Medians of fresh processes on this machine, seconds of one core: a machine that others use waits besides."""

    import_s: float
    first_s: float

    def summary(self) -> str:
        """The figures in words."""
        return f"import {self.import_s:.2f} s, first request {self.first_s:.2f} s of one core"


def cold_start(folder: Path, *, bytecode: bool, rounds: int = ROUNDS) -> ColdStart:
    """The cold start of the function that lies in the folder; nothing else of this machine is on its path.

    Without bytecode it is Lambda's: the zip holds none, because it would be of one Python alone, and Lambda's folder
    takes none. With it, the first round leaves it behind.
    """
    words = ["-I", "-S", *([] if bytecode else ["-B"]), "-c", CODE, str(folder), json.dumps(EVENT)]
    measured = [_round(words, folder) for _ in range(rounds + bytecode)][bytecode:]
    return ColdStart(*map(statistics.median, zip(*measured, strict=True)))


def _round(words: list[str], folder: Path) -> list[float]:
    command = [sys.executable, *words]
    done = subprocess.run(command, env=SURROUNDINGS, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds
