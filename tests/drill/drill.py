"""The drill: forward, back and forward again, with the database migrated and contracts changed in between."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres
from tests.drill.audit import Audit, read_topics
from tests.drill.balancer import Balancer
from tests.drill.clients import Access, Client, Reader, Walker, Writer, Written
from tests.drill.content import EVENTS, FEEDS, FIRST_FEEDS, NEW_COLUMN, VISITS, Feed
from tests.drill.installation import PREPARE, WAIT_S, Installation
from tests.drill.journal import Journal, Phase
from tests.drill.processes import Process, Processes, Release, identity, is_ready
from tests.drill.report import report, stored
from tests.drill.traffic import Traffic
from tests.integration.upgrade.make_release import ROOT, unpack

OLD_COMMIT: Final = "8105343"
OLD_NAME: Final = "0.2.0"
TODAY: Final = "today"
FORWARD: Final = "forward, contracts change"
BOTH: Final = {FORWARD, "back", "forward again"}
"""The phases in which both releases run."""
READABLE: Final = '"bigint"'
UNREADABLE: Final = '"vector"'
"""A column type that both releases know, and one that neither knows."""


class HistoryMissing(Exception):
    """The checkout lacks the old release's commit."""

    def __init__(self) -> None:
        super().__init__(f"this checkout has no commit {OLD_COMMIT}, which {OLD_NAME} runs from: fetch the history")


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of load besides the starts of processes, pairs of processes, and the strength of the load."""

    seconds: float
    pairs: int = 2
    share: float = 1.0
    pause_s: float = 0.05

    @property
    def hold_s(self) -> float:
        """The length of each pause under load."""
        return self.seconds / (5 + 6 * self.pairs)


class Drill:
    """An installation whose processes are replaced under load."""

    def __init__(self, site: Installation, old: Release, plan: Plan) -> None:
        self.site = site
        self.plan = plan
        self.old = old
        self.new = Release(TODAY, ROOT)
        self.journal = Journal()
        self.processes = Processes(site.env, site.folder, self.journal)
        self.balancer = Balancer(self.journal)
        self.traffic = Traffic(site.bootstrap, FIRST_FEEDS, plan.share)
        self.workers: list[Process] = []
        self.webs: list[Process] = []
        self.clients: list[Client] = []

    def run(self) -> str:
        """Run all phases, audit the result, and report."""
        try:
            self._prepare()
            self._replace()
            return self._finish()
        finally:
            for client in self.clients:
                client.stop()
            self.traffic.stop()
            self.processes.close()
            self.site.close()

    def _prepare(self) -> None:
        """Install the old release, and start its processes and the load."""
        self.journal.phase(f"{OLD_NAME} alone")
        folder = self.site.contracts("first", *(feed.contract() for feed in FIRST_FEEDS))
        commands = (
            *PREPARE,
            ["datasets", "apply", str(folder)],
            ["topics", "ensure"],
            self.site.client_command("first"),
            ["steward", "create", "steward"],
        )
        self.site.command(self.old, *commands)
        for release in (self.old, self.new):
            self.journal.say(f"{release.name} imports {identity(release, self.site.env)}")
        for _ in range(self.plan.pairs):
            self._start(self.old)
        self.traffic.start()
        self._start_clients("first", Walker, Reader, Writer, Writer)
        self._hold()

    def _start_clients(self, name: str, *kinds: type[Client]) -> None:
        """Start clients of these kinds with the key of this API client."""
        key = (self.site.folder / f"{name}.key").read_text().strip()
        access = Access(key, self.site.env["ANDEN_STEWARD_PASSWORD"], self.plan.pause_s)
        for kind in kinds:
            self.clients.append(kind(self.balancer, self.journal, access, len(self.clients)))
            self.clients[-1].start()

    def _replace(self) -> None:
        """Migrate, and replace the processes forward, back and forward again."""
        self.journal.phase("today's migrations")
        self.site.command(self.new, *PREPARE)
        self.journal.say("today's code has migrated the database and applied the contracts")
        self._hold()
        self.journal.phase(FORWARD)
        for number in range(self.plan.pairs):
            self._start(self.new)
            if not number:
                self._change_contracts()
            self._hold()
            self._stop_oldest(crash=number == 1)
            self._hold()
        self.journal.phase("today alone")
        self._hold()
        for name, release in (("back", self.old), ("forward again", self.new)):
            self.journal.phase(name)
            for number in range(self.plan.pairs):
                self._start(release)
                if not number and release is self.old:
                    self._make_unreadable(VISITS)
                self._hold()
                self._stop_oldest(crash=not number and release is self.old)
                self._hold()
            self.journal.phase(f"{release.name} alone again")
            self._hold()

    def _finish(self) -> str:
        """Stop the load, let the workers read everything, and audit."""
        for client in self.clients:
            client.stop()
        self.traffic.finish()
        acknowledged = self.traffic.acknowledged
        self.site.wait(
            f"{acknowledged} records to be stored",
            f"SELECT coalesce(sum(rows + rejects), 0) >= {acknowledged} FROM datasets_batch b JOIN ingest_source s"
            " ON s.id = source_id WHERE topic LIKE 'drill.%'",
        )
        self.processes.stop(*self.workers, *self.webs)
        self.journal.phase("audit")
        written: dict[str, Written] = {}
        for client in self.clients:
            written |= client.ledger.written if isinstance(client, Writer) else {}
        verdict = Audit(self.site.ask, read_topics(self.site.bootstrap, FEEDS), written).run()
        for difference in verdict.differences:
            self.journal.fault(difference)
        phases = [(phase, stored(phase, self.site.ask)) for phase in self.journal.phases[:-1]]
        self._require_both(phases)
        return report(phases, self.journal, verdict, (self.old.name, self.new.name))

    def _require_both(self, phases: Sequence[tuple[Phase, Mapping[str, int]]]) -> None:
        """A drill in which a release did nothing proves nothing."""
        for phase, records in phases:
            for release in (self.old.name, self.new.name) if phase.name in BOTH else ():
                if not records.get(release) or not phase.requests[release]:
                    self.journal.fault(f"{release} did nothing in the phase {phase.name!r}")

    def _hold(self) -> None:
        """Leave the processes under load, until each has stored a record, or served a request and is ready."""
        time.sleep(self.plan.hold_s)
        workers = ", ".join(f"'{worker.name}'" for worker in self.workers)
        self.site.wait(
            f"a batch of each of {workers}",
            f"SELECT count(DISTINCT worker) = {len(self.workers)} FROM datasets_batch WHERE worker IN ({workers})",
        )
        deadline = time.monotonic() + WAIT_S
        while not all(web.name in self.balancer.served and is_ready(web) for web in self.webs):
            if time.monotonic() > deadline:
                raise RuntimeError("a web server served no request, or is not ready")
            time.sleep(0.1)

    def _start(self, release: Release) -> None:
        """Start a worker and a web server, and wait until both serve."""
        worker, web = self.processes.worker(release), self.processes.web(release)
        owns = f"SELECT 1 FROM ingest_source WHERE owner = '{worker.name}' LIMIT 1"
        self.processes.wait_for(worker, lambda: bool(self.site.ask(owns)))
        self.processes.wait_for(web, lambda: is_ready(web))
        self.balancer.add(web)
        self.workers.append(worker)
        self.webs.append(web)

    def _stop_oldest(self, *, crash: bool) -> None:
        """Stop the oldest worker and the oldest web server, which gets no more requests. `crash`: kill both."""
        worker, web = self.workers.pop(0), self.webs.pop(0)
        if crash:
            self.processes.kill(worker, web)
        self.balancer.remove(web)
        if not crash:
            self.processes.stop(worker, web)

    def _change_contracts(self) -> None:
        """With today's code, apply a new dataset and a new column; send records of both."""
        folder = self.site.contracts("second", VISITS.contract(), EVENTS.contract(NEW_COLUMN))
        commands = (["datasets", "apply", str(folder)], ["topics", "ensure"], self.site.client_command("second"))
        self.site.command(self.new, *commands)
        self.journal.say("a column of events and the dataset visits are new")
        self.site.wait(
            "every worker to read events with the new contract",
            "SELECT count(*) > 0 AND bool_and(b.version = d.version) FROM datasets_dataset d, ingest_source s,"
            " LATERAL (SELECT version FROM datasets_batch WHERE source_id = s.id ORDER BY last_offset DESC LIMIT 1) b"
            " WHERE d.name = 'events' AND s.dataset_id = d.id",
        )
        self.traffic.new_columns[EVENTS.name] = {"origin": "new"}
        self.traffic.add(VISITS)
        self._start_clients("second", Walker)

    def _make_unreadable(self, feed: Feed) -> None:
        """Store a contract as a later release may write it, until the dataset is paused; then the former one."""
        paused = f"FROM ingest_source WHERE topic = '{feed.topic}' AND last_error <> ''"
        self.site.store_version(feed, READABLE, UNREADABLE)
        self.site.wait(f"{feed.name} to be paused", f"SELECT count(*) > 0 {paused}")
        self.journal.say(f"{feed.name} is paused, because its contract is of a later release")
        self._hold()
        self.site.store_version(feed, UNREADABLE, READABLE)
        self.site.wait(f"{feed.name} to be read again", f"SELECT count(*) = 0 {paused}")
        self.journal.say(f"{feed.name} is read again")


@contextmanager
def drill(folder: Path, plan: Plan) -> Iterator[Drill]:
    """A drill on servers of its own. Raises HistoryMissing."""
    try:
        old = Release(OLD_NAME, unpack(OLD_COMMIT, folder / "old"))
    except subprocess.CalledProcessError as exc:
        raise HistoryMissing from exc
    with (
        EmbeddedPostgres(folder / "postgres", quick=True) as postgres,
        EmbeddedKafka(folder / "kafka", quick=True) as kafka,
    ):
        yield Drill(Installation(folder, postgres, kafka), old, plan)
