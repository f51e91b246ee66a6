"""What a fault may use: the installation, its workers, the load, and the journal."""

import subprocess
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.flow import FlowMonitor
from tests.chaos.installation import Installation, NotPossible, retry
from tests.chaos.journal import Journal
from tests.chaos.load import Load, TransactionalLoad
from tests.chaos.plans import Plan
from tests.chaos.topic_log import PartitionLog, topic_read
from tests.chaos.workers import WorkerPool

POLL_S: Final = 0.1
ACCEPT_S: Final = 120.0
UNCHANGED: Final = "Kafka error"
Causing = Generator[None, None, None]
"""A fault: caused before its `yield`, ended and proven after it."""


class NotProven(Exception):
    """The fault's effect was not seen."""


@dataclass(frozen=True)
class World:
    """Everything of a run."""

    installation: Installation
    plans: tuple[Plan, ...]
    workers: WorkerPool
    load: Load
    transactions: TransactionalLoad
    journal: Journal
    flow: FlowMonitor
    other: Future[dict[str, str]]
    """The environment of the second installation, which is prepared meanwhile."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.installation.folder

    def until(self, true: Callable[[], bool], what: str, *, for_s: float, error: type[Exception]) -> None:
        """Wait for a condition. Raises `error` after the time."""
        deadline_s = time.monotonic() + for_s
        while not true():
            if time.monotonic() > deadline_s:
                raise error(f"no {what} within {for_s:.0f} s")
            time.sleep(POLL_S)

    def last_errors(self, plan: Plan) -> str:
        """The stored errors of the dataset's positions, joined."""
        found = self.installation.query(
            "SELECT s.last_error FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id "
            "WHERE d.name = %s AND s.last_error <> ''",
            (plan.name,),
        )
        return "; ".join(row[0] for row in found)

    def logged(self, text: str) -> int:
        """How often the workers' logs contain this text."""
        return sum(log.read_text(errors="replace").count(text) for log in self.folder.glob("worker-*.log"))

    def positions(self, plan: Plan, topic_id: str) -> dict[int, tuple[int, int]]:
        """The source id and next offset of each partition under this topic id."""
        found = self.installation.query(
            "SELECT s.partition, s.id, s.next_offset FROM ingest_source s "
            "JOIN datasets_dataset d ON d.id = s.dataset_id WHERE d.name = %s AND s.topic_id = %s",
            (plan.name, topic_id),
        )
        return {partition: (source_id, next_offset) for partition, source_id, next_offset in found}

    def until_read(self, plan: Plan, *, for_s: float) -> dict[int, PartitionLog]:
        """The topic's log, once everything in it is read; its producers must be quiet. Raises NotPossible."""
        topic_id = self.journal.current(plan.topic).topic_id
        logs = retry(lambda: topic_read(self.installation.bootstrap, plan.topic))

        def read() -> bool:
            positions = self.positions(plan, topic_id)
            return all(number in positions and positions[number][1] == log.end for number, log in logs.items())

        self.until(read, f"end of {plan.name}", for_s=for_s, error=NotPossible)
        return logs

    def accept(self, plan: Plan) -> str:
        """The output of `topics accept`, repeated while a server does not answer."""
        deadline_s = time.monotonic() + ACCEPT_S
        while True:
            try:
                output = self.installation.manage("topics", "accept", plan.name)
            except subprocess.SubprocessError as error:
                output = f"{UNCHANGED}: {error}"
            # For a while after its restart, Kafka cannot say where a partition's log ends.
            if UNCHANGED not in output and "has no leader" not in output:
                return output
            if time.monotonic() > deadline_s:
                raise TimeoutError(output)
            time.sleep(1)
