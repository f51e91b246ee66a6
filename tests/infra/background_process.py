"""Processes that run in the background of other tests."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class BackgroundProcess:
    """A background process with its output file."""

    process: subprocess.Popen[bytes]
    output: Path

    def wait(self) -> tuple[int, str]:
        """Wait for it; its exit code and output."""
        return self.process.wait(), self.output.read_text(encoding="utf-8")


@contextmanager
def background_process(
    command: Sequence[str], output: Path, *, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[BackgroundProcess]:
    """Start the command; interrupt it at the end of the block if it is still running."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield BackgroundProcess(process, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # so that it stops its own children too
        process.wait(60)


def start_if_selected(request: pytest.FixtureRequest, fixture: str) -> None:
    """Start the fixture now if a selected test uses it."""
    if any(fixture in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue(fixture)
