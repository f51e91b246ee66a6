"""Terminal output of `make run`: the startup summary and the row counter."""

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from embedded.preparation import relative_path


@dataclass(frozen=True)
class StartupSummary:
    """The URLs and credentials to print once everything is up."""

    site: str
    prometheus: str
    postgres: str
    kafka: str
    processes: tuple[str, ...]
    logs: Path
    password: str
    key: str

    def curl(self) -> list[str]:
        """A command that fetches three flights."""
        url = f"{self.site}/api/v1/datasets/flights/records?limit=3"
        return ["curl", "-sS", "-H", f"Authorization: Bearer {self.key}", url]

    def block(self) -> str:
        """The summary: processes, URLs, login, and a `curl` command to copy."""
        environment = relative_path(self.logs.with_name("environment"))
        python = relative_path(Path(sys.executable))
        return f"""
Andén is running.

  PostgreSQL 18    {self.postgres}
  Kafka 4.4        {self.kafka}
  Processes        {", ".join(self.processes)}
  Logs             {relative_path(self.logs)}/
  Commands         . {environment}; {python} manage.py help

  Admin            {self.site}/admin/    log in as steward, password {self.password}
  Fleet            {self.site}/admin/monitoring/fleet/    50 simulated services, one unhealthy
  API              {self.site}/api/v1/datasets
  API docs         {self.site}/api/docs
  Metrics          {self.site}/metrics
  Prometheus       {self.prometheus}

  Fetch flights over HTTP:
  {shlex.join(self.curl())}

  Press Ctrl-C to stop everything. Run `make run` again to resume.
"""


class Progress:
    """A row counter: one line updated in place on a terminal, occasional lines elsewhere."""

    def __init__(self, out: TextIO = sys.stdout, *, every_s: float = 10) -> None:
        self._out = out
        self._every_s = min(every_s, 3) if out.isatty() else every_s
        self._rows: int | None = None
        self._at_s = 0.0
        self._is_idle = False
        self._open = False

    def show(self, rows: int, *, now_s: float) -> None:
        """Print the number of rows and their rate, and a single final line once rows stop arriving."""
        before, seconds = self._rows, now_s - self._at_s
        if before is not None and seconds < self._every_s:
            return
        self._rows, self._at_s = rows, now_s
        growing = before is None or rows > before
        if not growing and self._is_idle:
            return
        self._is_idle = not growing
        rate = "" if before is None or not growing else f", {(rows - before) / seconds:+,.0f}/s"
        self._line(f"  {time.strftime('%H:%M:%S')}  flights in PostgreSQL: {rows:,}{rate}")

    def print_line(self, text: str) -> None:
        """Print the text on a new line."""
        if self._open:
            print(file=self._out)
            self._open = False
        print(text, file=self._out, flush=True)

    def _line(self, text: str) -> None:
        if self._out.isatty():
            print(f"\r\x1b[2K{text}", end="", file=self._out, flush=True)
            self._open = True
        else:
            print(text, file=self._out, flush=True)
