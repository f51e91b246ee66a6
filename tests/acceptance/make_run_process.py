"""`make run` in a copy of the project, like a fresh clone."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from embedded.unprivileged import fallback_folder

_REPO = Path(__file__).parents[2]
_UP_TIMEOUT_S = 240
STOP_TIMEOUT_S = 90


@contextmanager
def project_copy() -> Iterator[Path]:
    """A copy of the project like a fresh clone: no virtualenv, no state."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    with TemporaryDirectory(prefix="anden-run-") as folder:
        root = Path(folder)
        for name in listed.stdout.splitlines():
            if (_REPO / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(_REPO / name, root / name)
        yield root
        # If root may not create namespaces, PostgreSQL's data is there.
        shutil.rmtree(fallback_folder(root / ".anden" / "postgres" / "data"), ignore_errors=True)


class MakeRun:
    """A `make run` of the copy, and its output."""

    def __init__(self, project: Path, process: subprocess.Popen[bytes], output: Path) -> None:
        self.project = project
        self.process = process
        self._file = output

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._file.read_text()

    def curl(self) -> list[str]:
        """The printed command, once everything is up."""
        deadline = time.monotonic() + _UP_TIMEOUT_S
        while "Ctrl-C to stop everything" not in self.output:
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it did not come up:\n{self.output}\n{logs(self.project)}")
            time.sleep(0.2)
        line = next(text for text in self.output.splitlines() if text.strip().startswith("curl "))
        return shlex.split(line)

    def wait_for_more_than(self, rows: int) -> None:
        """Return once it has reported more than this many rows."""
        deadline = time.monotonic() + 60
        while not any(
            int(count.replace(",", "")) > rows for count in re.findall(r"PostgreSQL: ([\d,]+)", self.output)
        ):
            if time.monotonic() > deadline:
                pytest.fail(f"no row arrived within 60 s:\n{self.output}\n{logs(self.project)}")
            time.sleep(0.2)

    def processes(self) -> list[psutil.Process]:
        """This process and its current descendants."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def launcher(self) -> psutil.Process:
        """The Python process that started all others."""
        return next(found for found in self.processes() if "embedded.station" in found.cmdline())


@contextmanager
def make_run(project: Path, **variables: str) -> Iterator[MakeRun]:
    """A running `make run`, killed at the end if it is still running."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANDEN_", "DJANGO_"))}
    inherited.pop("PROMETHEUS_MULTIPROC_DIR", None)
    output = project / "output.txt"
    with output.open("wb") as out:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=inherited | {"ANDEN_VENV": sys.prefix} | variables,
        )
    run = MakeRun(project, process, output)
    try:
        yield run
    finally:
        if process.poll() is None:
            for found in reversed(run.processes()):
                with suppress(psutil.NoSuchProcess):
                    found.kill()
            process.wait()


def logs(project: Path) -> str:
    """The last lines of each log."""
    paths = sorted((project / ".anden" / "logs").glob("*.log"))
    return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in paths)


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The processes that are alive; zombies are not."""

    def is_alive(process: psutil.Process) -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if is_alive(process)]


def running_in(project: Path) -> list[str]:
    """The command lines of all processes whose working directory is below the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(project):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue
    return found
