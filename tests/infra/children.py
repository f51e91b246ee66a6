"""Suites that run in a process of their own while others are tested."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Child:
    """A pytest that runs; what it says goes to the file."""

    process: subprocess.Popen[bytes]
    said: Path

    def done(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended."""
        return self.process.wait(), self.said.read_text(encoding="utf-8")


@contextmanager
def child(words: Sequence[str], said: Path) -> Iterator[Child]:
    """A pytest with these words, begun; it is ended with the block."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    with said.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield Child(process, said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # so that it stops its servers
        process.wait(60)
