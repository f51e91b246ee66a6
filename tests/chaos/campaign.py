"""Causes faults in a seeded order, several at once."""

import random
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import psycopg
from confluent_kafka import KafkaException

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.installation import NotPossible
from tests.chaos.plans import Plan
from tests.chaos.world import Causing, NotProven, World

TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault that happened. Times are monotonic seconds; `dataset` is empty if it affected all."""

    name: str
    dataset: str
    began_s: float
    ended_s: float
    error: str = ""
    proven: bool = True


@dataclass
class Campaign:
    """The faults of one run."""

    world: World
    seed: int
    count: int
    together: int
    stretch: float = 1.0
    only: Sequence[str] = ()
    progress: Callable[[str], None] = lambda _line: None
    records: list[FaultRecord] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - repeatable, no secret
        self._lock = threading.Lock()
        self._order = self._schedule()
        self._resources: dict[str, threading.Lock] = {}
        self._began_s = time.monotonic()

    def _schedule(self) -> list[tuple[Fault, int]]:
        """Each kind equally often, in random order, each with its own seed.

        In every other round, the faults at single datasets come first, so that their neighbours can be measured.
        """
        kinds = [fault for fault in FAULTS if not self.only or fault.name in self.only]
        order: list[Fault] = []
        while len(order) < self.count:
            mixed = self._chance.sample(kinds, len(kinds))
            apart = len(order) // len(kinds) % 2
            order += sorted(mixed, key=lambda fault: fault.targets is None) if apart else mixed
        return [(fault, self._chance.randrange(2**32)) for fault in order[: self.count]]

    def run(self) -> None:
        """Cause all faults; return when the last one has ended."""
        threads = [threading.Thread(target=self._slot, name=f"faults-{number}") for number in range(self.together)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _slot(self) -> None:
        while True:
            with self._lock:
                if not self._order:
                    return
                fault, seed = self._order.pop(0)
            try:
                self._cause(fault, random.Random(seed))  # noqa: S311 - repeatable, no secret
            except Exception as error:  # noqa: BLE001 - reported; the other faults still happen
                with self._lock:
                    self.broken.append(f"{fault.name}: {type(error).__name__}: {error}")
                self.progress(f"  {fault.name}: {type(error).__name__}: {error}")

    def _cause(self, fault: Fault, chance: random.Random) -> None:
        for _ in range(TRIES):
            plan = self._target(fault, chance)
            with ExitStack() as stack, ExitStack() as server:
                if fault.targets:
                    stack.enter_context(self._resource(f"dataset {plan.topic}"))
                for name in sorted(fault.needs):
                    server.enter_context(self._resource(name))
                try:
                    self._happen(fault, plan, chance, caused=server.close if fault.brief else lambda: None)
                except NotPossible as error:
                    why = str(error)
                    time.sleep(chance.uniform(0.5, 2.0))
                else:
                    return
        with self._lock:
            self.skipped.append(f"{fault.name}: {why}")
        self.progress(f"  {fault.name}: not possible: {why}")

    def _happen(self, fault: Fault, plan: Plan, chance: random.Random, *, caused: Callable[[], None]) -> None:
        dataset = plan.name if fault.targets else ""
        cause = fault.cause(self.world, plan, chance)
        began_s = time.monotonic()
        error, proven = "", True
        try:
            self._begin(cause)
            caused()
            time.sleep(chance.uniform(*fault.hold_s) * self.stretch)
            next(cause, None)
        except NotProven as unseen:
            error, proven = str(unseen), False
        finally:
            cause.close()
        ended_s = time.monotonic()
        with self._lock:
            self.records.append(FaultRecord(fault.name, dataset, began_s, ended_s, error, proven))
            done = len(self.records) + len(self.skipped) + len(self.broken)
        where = f" ({dataset})" if dataset else ""
        self.progress(
            f"{done:>4}/{self.count} {ended_s - self._began_s:>5.0f} s  {fault.name}{where}"
            f" {ended_s - began_s:.1f} s{'' if proven else f': NOT PROVEN: {error}'}"
        )

    @staticmethod
    def _begin(cause: Causing) -> None:
        """Cause the fault. Raises NotPossible: a server does not answer, because of another fault."""
        try:
            next(cause)
        except (KafkaException, psycopg.Error, TimeoutError, subprocess.SubprocessError) as error:
            raise NotPossible(f"{type(error).__name__}: {error}") from error

    def _target(self, fault: Fault, chance: random.Random) -> Plan:
        found = [plan for plan in self.world.plans if fault.targets is None or fault.targets(plan)]
        return chance.choice(found)

    def _resource(self, name: str) -> threading.Lock:
        with self._lock:
            return self._resources.setdefault(name, threading.Lock())
