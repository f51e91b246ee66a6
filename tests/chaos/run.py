"""A run: an installation under load, faults, and the audit of every record."""

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.audit_report import AuditReport
from tests.chaos.auditor import audit
from tests.chaos.campaign import Campaign
from tests.chaos.fault_report import fault_figures, fault_table
from tests.chaos.flow import FlowMonitor, Sample
from tests.chaos.installation import Installation, installation, retry
from tests.chaos.journal import Journal
from tests.chaos.load import Load, TransactionalLoad
from tests.chaos.plans import PLANS, Plan, topics
from tests.chaos.workers import WorkerPool
from tests.chaos.world import World

TABLES: Final = (
    *("datasets_dataset", "datasets_contractversion", "datasets_batch"),
    *("ingest_source", "ingest_quarantine"),
)
END_S: Final = 240.0
WORKERS: Final = 3
REFRESH_S: Final = 1.0
WARM_S: Final = 120.0
BEHIND: Final = """
SELECT d.name, s.topic, s.partition, s.next_offset, s.owner, s.last_error
FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """The parameters of a run."""

    faults: int
    seed: int
    together: int = 3
    scale: float = 1.0
    stretch: float = 1.0
    only: Sequence[str] = ()
    plans: tuple[Plan, ...] = PLANS


@dataclass(frozen=True, slots=True)
class ChaosResult:
    """What a run did and found."""

    run: ChaosRun
    report: AuditReport
    table: str
    seconds: float
    caused: int
    unproven: Sequence[str]
    skipped: Sequence[str]
    broken: Sequence[str]
    exits: dict[int, int]
    read: bool

    @property
    def failed(self) -> bool:
        """Whether a record is lost, doubled or wrong, or was not read in the end."""
        return self.report.failed or not self.read or bool(self.broken)

    @property
    def summary(self) -> str:
        """The result in one line."""
        records = sum(one.records for one in self.report.datasets)
        wrong = ", ".join(f"{self.report.total(kind)} {kind}" for kind in ("lost", "doubled", "wrong winners"))
        return f"{records:,} records, {self.caused} faults: {wrong}"

    @property
    def text(self) -> str:
        """The report."""
        exits = ", ".join(f"{count} × {code}" for code, count in sorted(self.exits.items()))
        at_once = f"up to {self.run.together} at once"
        lines = [
            f"{self.table}\n\n{self.report.text}\n",
            *(f"not proven: {line}" for line in self.unproven),
            *(f"not possible: {line}" for line in self.skipped),
            *(f"failed: {line}" for line in self.broken),
            f"{self.caused} faults in {self.seconds:,.0f} s, {at_once}; workers exited: {exits or 'none'}.",
            self.summary,
            f"Run it again: make chaos N={self.run.faults} SEED={self.run.seed}",
        ]
        return "\n".join(lines)


def chaos(run: ChaosRun, folder: Path, progress: Callable[[str], None]) -> ChaosResult:
    """Run the faults in this folder and audit; on failure, the folder keeps the evidence."""
    began_s = time.monotonic()
    with installation(folder, run.plans, refresh_s=REFRESH_S) as one:
        journal = Journal()
        for topic in topics(run.plans):
            journal.begin(topic, one.topic_id(topic))
        other = one.starters.submit(one.make_other, run.plans[0])
        progress(f"servers are ready after {time.monotonic() - began_s:.0f} s")
        campaign, samples, pool, read = _under_load(run, one, journal, other, progress)
        seconds = time.monotonic() - began_s
        with one.connect(autocommit=False) as connection:
            report = audit(connection, one.bootstrap, run.plans, journal)
        result = ChaosResult(
            run=run,
            report=report,
            table=fault_table(fault_figures(campaign.records, samples)),
            seconds=seconds,
            caused=len(campaign.records),
            unproven=[f"{record.name}: {record.error}" for record in campaign.records if not record.proven],
            skipped=campaign.skipped,
            broken=campaign.broken,
            exits=pool.exits,
            read=read,
        )
        if result.failed:
            _keep(one, journal, result, folder / "evidence")
    return result


def _under_load(
    run: ChaosRun, one: Installation, journal: Journal, other: Future[dict[str, str]], progress: Callable[[str], None]
) -> tuple[Campaign, list[Sample], WorkerPool, bool]:
    """Cause the faults while records arrive; return once all are read."""
    producers = topics(run.plans)
    load = Load(one.bootstrap, producers, journal, seed=run.seed, scale=run.scale)
    transactional = next(plan for plan in run.plans if plan.uses == "transactions")
    transactions = TransactionalLoad(one.bootstrap, transactional, journal, seed=run.seed, scale=run.scale)
    with ExitStack() as stack:
        load.start()
        stack.callback(load.stop)
        transactions.start()
        stack.callback(transactions.stop)
        pool = stack.enter_context(WorkerPool(one, WORKERS))
        flow = stack.enter_context(FlowMonitor(one))
        world = World(one, run.plans, pool, load, transactions, journal, flow, other)
        _until_warm(world, run.plans)
        campaign = Campaign(world, run.seed, run.faults, run.together, run.stretch, run.only, progress)
        campaign.run()
        transactions.stop()
        load.stop()
        progress(f"{journal.count:,} records acknowledged; waiting until all are read")
        read = _until_read(one, progress)
    return campaign, flow.samples, pool, read


def _until_warm(world: World, plans: Sequence[Plan]) -> None:
    """Wait until every dataset has been read once."""

    def moving() -> bool:
        return bool(world.flow.samples) and all(world.flow.samples[-1].positions.get(plan.name) for plan in plans)

    world.until(moving, "position of every dataset", for_s=WARM_S, error=TimeoutError)


def _until_read(one: Installation, progress: Callable[[str], None]) -> bool:
    """Whether `manage.py lag` reports in time that nothing is behind."""
    deadline_s = time.monotonic() + END_S
    output = ""
    while time.monotonic() < deadline_s:
        try:
            output = retry(lambda: one.manage("lag", "--once"), for_s=30)
        except subprocess.CalledProcessError as error:
            output = str(error.stdout)
        if output and all(" 0 records behind" in line for line in output.splitlines()):
            return True
        time.sleep(1)
    progress(f"not read within {END_S:.0f} s:\n{output}")
    for row in one.query(BEHIND):
        if row[-1]:
            progress(f"  {row}")
    return False


def _keep(one: Installation, journal: Journal, result: ChaosResult, evidence: Path) -> None:
    """Write the report, the journal and every table beside the logs."""
    evidence.mkdir()
    (evidence / "report.txt").write_text(result.text + "\n")
    journal.write(evidence / "journal.jsonl")
    for table in (*TABLES, *(f'data."{plan.name}"' for plan in result.run.plans)):
        with one.connect() as connection, (evidence / f"{table.replace(chr(34), '')}.csv").open("wb") as file:
            statement = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT csv, HEADER)".encode()
            with connection.cursor().copy(statement) as copy:
                file.writelines(bytes(chunk) for chunk in copy)
    for log in one.folder.glob("*.log"):
        shutil.copy(log, evidence)
    for server in (one.postgres, one.kafka):
        shutil.copy(server.log, evidence / f"{server.name}.log")
