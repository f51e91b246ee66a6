"""What happened in the drill: phases, requests by release, and faults."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

MOST_FAULTS: Final = 200


@dataclass(slots=True)
class Phase:
    """A phase, when it began and ended (seconds since 1970), and its counts; those of requests are by release."""

    name: str
    began_s: float
    ended_s: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        return (self.ended_s or time.time()) - self.began_s


class Journal:
    """Thread-safe; prints what happens as it happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self.phases: list[Phase] = []
        self.faults: list[str] = []

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def say(self, text: str) -> None:
        """Print a line of the timeline."""
        print(f"{self.elapsed_s:7.1f} s  {text}", flush=True)  # noqa: T201 - the timeline is the output

    def phase(self, name: str) -> None:
        """Begin a phase; the previous one ends."""
        now = time.time()
        with self._lock:
            if self.phases:
                self.phases[-1].ended_s = now
            self.phases.append(Phase(name, now))
        self.say(f"== {name}")

    def answered(self, release: str) -> None:
        """Count a response of this release's web server."""
        with self._lock:
            self.phases[-1].requests[release] += 1

    def note(self, what: str) -> None:
        """Count something that is permitted, such as a retry."""
        with self._lock:
            self.phases[-1].notes[what] += 1

    def fault(self, text: str) -> None:
        """Record a fault, which fails the drill."""
        with self._lock:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(f"{self.phases[-1].name}: {text}")
        self.say(f"FAULT {text}")
