#!/usr/bin/env python3
"""Runs a stage of .ci/run and records its cost: .ci/stage.py FILE NAME COMMAND…, or .ci/stage.py --table FILE.

It adopts orphaned processes of the stage (as a Linux child subreaper), so that their cost is included.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

PR_SET_CHILD_SUBREAPER: Final = 36


def run(name: str, command: list[str], file: Path) -> int:
    """Run the command, append its cost to the file, and return its exit code."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # An interrupt goes to the entire process group: let the stage stop by itself, and wait for it.
    signal.signal(signal.SIGINT, lambda *_: None)
    began_s = time.monotonic()
    stage = subprocess.Popen(command)
    pid = status = 0
    while pid != stage.pid:
        pid, status = os.waitpid(-1, 0)
    _reap()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with file.open("a", encoding="utf-8") as rows:
        rows.write(f"{time.monotonic() - began_s:.0f} {used.ru_utime + used.ru_stime:.0f} {name}\n")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _reap() -> None:
    """Reap processes that have exited meanwhile."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def table(file: Path) -> str:
    """A table of each stage's cost, and the total."""
    rows = [line.split(" ", 2) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    total = ["all", *(str(sum(int(row[column]) for row in rows)) for column in (0, 1))]
    lines = [["Stage", "wall s", "CPU s"], *([name, wall, cpu] for wall, cpu, name in rows), total]
    return "\n".join(f"{name:<24}{wall:>8}{cpu:>8}" for name, wall, cpu in lines)


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        print(table(Path(sys.argv[2])))
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:], Path(sys.argv[1])))
