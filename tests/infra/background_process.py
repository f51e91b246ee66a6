"""Processes that go on while others are tested."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class BackgroundProcess:
    """A process that goes on; what it says goes to the file."""

    process: subprocess.Popen[bytes]
    said: Path

    def done(self) -> tuple[int, str]:
        """Its exit code and what it said, once it has ended."""
        return self.process.wait(), self.said.read_text(encoding="utf-8")


@contextmanager
def child(
    command: Sequence[str], said: Path, *, folder: Path, surroundings: Mapping[str, str] | None = None
) -> Iterator[BackgroundProcess]:
    """A process of this command, begun; where it still goes on, it is asked to leave with the block."""
    with said.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=surroundings, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield BackgroundProcess(process, said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # so that it ends its own, too
        process.wait(60)


def start_if_selected(request: pytest.FixtureRequest, fixture: str) -> None:
    """Have the fixture begin now where a chosen test will ask for it."""
    if any(fixture in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue(fixture)
