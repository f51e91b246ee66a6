"""Runs tools in parallel, prints each one's output in one piece, and a table of the outcomes."""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
_AT_ONCE: Final = min(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Step:
    """A tool's command. `summary` replaces the output if it passes."""

    name: str
    command: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True)
class Outcome:
    """A step's exit code and duration."""

    step: Step
    code: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the step succeeded."""
        return self.code == 0


def run_all(
    steps: Sequence[Step], *, root: Path = ROOT, at_once: int = _AT_ONCE, quiet: bool = False
) -> list[Outcome]:
    """Run all steps, `at_once` in parallel, started in this order; return their outcomes in the same order.

    Each step's output is printed when it has ended; with `quiet` only if it failed.
    """
    printing = threading.Lock()

    def run(step: Step) -> Outcome:
        outcome, output = _run(step, root)
        if not (quiet and outcome.passed):
            with printing:
                sys.stdout.write(f"$ {shlex.join(step.command).replace(f'{root}/', '')}\n{output.rstrip()}\n\n")
                sys.stdout.flush()
        return outcome

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(run, steps))


def table(outcomes: Sequence[Outcome]) -> str:
    """One line per step: name, passed or FAILED, seconds."""
    width = max((len(outcome.step.name) for outcome in outcomes), default=0)
    return "".join(
        f"{outcome.step.name:<{width}}  {'passed' if outcome.passed else 'FAILED'}  {outcome.seconds:6.1f} s\n"
        for outcome in outcomes
    )


def _run(step: Step, root: Path) -> tuple[Outcome, str]:
    """Run the step; return its outcome and output."""
    begun = time.monotonic()
    try:
        done = subprocess.run(
            step.command,
            cwd=root,
            # Import `apps` and `config` from this checkout, whatever is installed.
            env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'platform'}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        code, output = done.returncode, done.stdout
    except OSError as error:
        code, output = 127, f"{step.command[0]}: {error.strerror}"
    if code == 0 and step.summary:
        output = step.summary
    return Outcome(step, code, time.monotonic() - begun), output
