"""The auditor: compares every record in Kafka with rows, quarantine, ledger and positions.

Uses its own SQL, its own consumer and its own rules (`judge`), and shares no code with ingest.
"""

import datetime
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tests.chaos.audit_report import AuditReport, DatasetAudit
from tests.chaos.journal import Generation, Journal, digest
from tests.chaos.judge import Outcome, Verdict, judge
from tests.chaos.plans import Plan
from tests.chaos.topic_log import PartitionLog, SentRecord, topic_read

EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SYSTEM: Final = ("_source", "_offset", "_batch")
UNREADABLE: Final = "unreadable"
"""The reason of a record at which workers died: in a chaos run it can be a good one."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A batch's entry in the ledger."""

    id: int
    version: int
    first: int
    last: int
    rows: int
    rejects: int


@dataclass(slots=True)
class Source:
    """A position with everything stored under it, by offset."""

    id: int
    partition: int
    next_offset: int
    generation: Generation
    closed: bool
    start: int
    batches: Sequence[Ledger] = ()
    rows: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)
    rejects: dict[int, list[tuple[Any, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Winner:
    """The record of a key that the documented rule of upserts selects."""

    rank: tuple[datetime.datetime, int, int]
    verdict: Verdict


def audit(connection: Connection, bootstrap: str, plans: Sequence[Plan], journal: Journal) -> AuditReport:
    """Audit all datasets. Nothing may be written meanwhile, and all records must have been read."""
    reports = []
    for topic in dict.fromkeys(plan.topic for plan in plans):
        logs = topic_read(bootstrap, topic)
        for plan in (plan for plan in plans if plan.topic == topic):
            one = _DatasetAuditor(connection, plan, journal, logs)
            one.run()
            reports.append(one.report)
    return AuditReport(reports)


class _DatasetAuditor:
    """Audits one dataset."""

    def __init__(self, connection: Connection, plan: Plan, journal: Journal, logs: Mapping[int, PartitionLog]) -> None:
        self._connection = connection
        self._plan = plan
        self._journal = journal
        self._logs = logs
        self._versions: dict[int, tuple[str, ...]] = {}
        self._winners: dict[int, Winner] = {}
        self.report = DatasetAudit(plan.name)

    def run(self) -> None:
        """Fill the report."""
        row = self._connection.execute(
            "SELECT id, version FROM datasets_dataset WHERE name = %s", (self._plan.name,)
        ).fetchone()
        if row is None:
            self.report.fail("position", "the dataset is missing")
            return
        dataset_id, version = row
        self._versions = self._contract_columns(dataset_id)
        sources = self._sources(dataset_id)
        self._read_rows(sources, self._versions[version])
        self._check_positions(sources.values())
        for source in sources.values():
            self._audit_source(source)
        if self._plan.upsert:
            self._check_winners(sources)
        self._check_log()

    def _contract_columns(self, dataset_id: int) -> dict[int, tuple[str, ...]]:
        """The names of the properties of each version of the contract."""
        found = self._connection.execute(
            "SELECT version, document FROM datasets_contractversion WHERE dataset_id = %s", (dataset_id,)
        )
        return {
            version: tuple(one["name"] for one in json.loads(document)["schema"][0]["properties"])
            for version, document in found
        }

    def _sources(self, dataset_id: int) -> dict[int, Source]:
        found = self._connection.execute(
            "SELECT id, topic_id, partition, next_offset FROM ingest_source WHERE dataset_id = %s ORDER BY id",
            (dataset_id,),
        ).fetchall()
        current = self._journal.current(self._plan.topic)
        sources = {}
        for source_id, topic_id, partition, next_offset in found:
            generation = self._journal.closed.get(source_id) or self._by_topic_id(topic_id.partition("#")[0])
            if generation is None:
                self.report.fail("position", f"source {source_id} belongs to the unknown topic id {topic_id!r}")
                continue
            closed = source_id in self._journal.closed or generation is not current
            start = self._journal.starts.get(source_id, 0)
            sources[source_id] = Source(source_id, partition, next_offset, generation, closed, start)
            sources[source_id].batches = self._batches(source_id)
        self._read_rejects(dataset_id, sources)
        return sources

    def _by_topic_id(self, topic_id: str) -> Generation | None:
        return next(
            (one for one in reversed(self._journal.generations[self._plan.topic]) if one.topic_id == topic_id), None
        )

    def _batches(self, source_id: int) -> list[Ledger]:
        found = self._connection.execute(
            "SELECT id, version, first_offset, last_offset, rows, rejects FROM datasets_batch "
            "WHERE source_id = %s ORDER BY first_offset, id",
            (source_id,),
        )
        return [Ledger(*row) for row in found]

    def _read_rejects(self, dataset_id: int, sources: Mapping[int, Source]) -> None:
        found = self._connection.execute(
            'SELECT source_id, "offset", batch_id, topic, partition, key, value, reason FROM ingest_quarantine '
            "WHERE dataset_id = %s",
            (dataset_id,),
        )
        for source_id, offset, *rest in found:
            if source_id in sources:
                sources[source_id].rejects.setdefault(offset, []).append(tuple(rest))
            else:
                self.report.fail("invented", f"a reject of source {source_id} at {offset}")

    def _read_rows(self, sources: Mapping[int, Source], columns: Sequence[str]) -> None:
        """Read the table; an upsert table's rows stay where their winners are compared."""
        system = (*SYSTEM, *(("_at", "_deleted") if self._plan.upsert else ()))
        names = ", ".join(f'"{name}"' for name in (*columns, *system))
        with self._connection.cursor(name="rows") as cursor:
            cursor.execute(f'SELECT {names} FROM data."{self._plan.name}"')
            for values in cursor:
                row = dict(zip((*columns, *system), values, strict=True))
                self.report.rows += 1
                if row["_source"] in sources:
                    sources[row["_source"]].rows.setdefault(row["_offset"], []).append(row)
                else:
                    self.report.fail("invented", f"a row of source {row['_source']} at {row['_offset']}")

    def _check_positions(self, sources: Any) -> None:
        """Every partition has one position in the current log, and it is at the end."""
        live = Counter(source.partition for source in sources if not source.closed)
        for partition, log in self._logs.items():
            if live[partition] != 1 and log.end > 0:
                self.report.fail("position", f"partition {partition} has {live[partition]} positions")
        for source in sources:
            end = self._logs[source.partition].end if source.partition in self._logs else None
            if not source.closed and source.next_offset != end:
                self.report.fail(
                    "position", f"source {source.id}, partition {source.partition}: {source.next_offset}, end {end}"
                )

    def _records(self, source: Source) -> dict[int, SentRecord]:
        """The committed records of the source's log, in order of offset."""
        found = dict(source.generation.kept.get(source.partition, {}))
        if source.generation is self._journal.current(self._plan.topic) and source.partition in self._logs:
            found |= self._logs[source.partition].records
        return dict(sorted(found.items()))

    def _audit_source(self, source: Source) -> None:
        records = self._records(source)
        drops = Counter[int]()
        mark_ms: int | None = None
        stored: set[int] = set()
        version_of = _BatchLookup(source.batches)
        for offset, record in records.items():
            if offset < source.start:
                continue
            if offset >= source.next_offset or self._is_accepted(source, offset):
                self._beyond(source, offset)
                continue
            mark_ms = record.timestamp_ms if mark_ms is None else max(mark_ms, record.timestamp_ms)
            stored.add(offset)
            self.report.records += 1
            batch = version_of.at(offset)
            columns = self._versions.get(batch.version if batch else 1, self._plan.columns)
            verdict = judge(self._plan, record.key, record.value, columns)
            where = f"source {source.id}, partition {source.partition}, offset {offset}"
            drops[batch.id if batch else 0] += verdict.outcome is Outcome.DROP
            self._check_record(source, offset, record, verdict, batch, where)
            if self._plan.upsert and verdict.outcome in {Outcome.ROW, Outcome.TOMBSTONE}:
                self._compete(source, offset, verdict, mark_ms)
        self._check_ledger(source, records, drops)
        for offset in source.rows.keys() | source.rejects.keys():
            if offset not in stored:
                self.report.fail("invented", f"source {source.id}, partition {source.partition}, offset {offset}")

    def _is_accepted(self, source: Source, offset: int) -> bool:
        return any(
            source_id == source.id and first <= offset < after
            for (source_id, first), after in self._journal.accepted.items()
        )

    def _beyond(self, source: Source, offset: int) -> None:
        """A record that was not read: lost, unless somebody accepted that."""
        if source.closed or offset < source.next_offset:
            self.report.accepted += 1
        else:
            self.report.fail("lost", f"source {source.id}, partition {source.partition}, offset {offset}: not read")

    def _check_ledger(self, source: Source, records: Mapping[int, SentRecord], drops: Mapping[int, int]) -> None:
        """Batches do not overlap, and each record is in one; their counts add up."""
        counts = Counter[int]()
        lookup = _BatchLookup(source.batches)
        for offset in records:
            batch = lookup.at(offset)
            if batch is not None:
                counts[batch.id] += 1
            elif source.start <= offset < source.next_offset and not self._is_accepted(source, offset):
                self.report.fail("ledger", f"source {source.id}, offset {offset}: in no batch")
        last = -1
        for batch in source.batches:
            if batch.first <= last or batch.last < batch.first:
                self.report.fail("ledger", f"batch {batch.id} begins at {batch.first}, the last one ended at {last}")
            last = batch.last
            if batch.rows + batch.rejects != counts[batch.id]:
                self.report.fail(
                    "ledger",
                    f"batch {batch.id}: {batch.rows} rows, {batch.rejects} rejects, {counts[batch.id]} records",
                )
            rejects = sum(len(source.rejects.get(offset, ())) for offset in range(batch.first, batch.last + 1))
            if batch.rejects != rejects + drops[batch.id]:
                self.report.fail(
                    "ledger", f"batch {batch.id}: {batch.rejects} rejects, {rejects} and {drops[batch.id]} too late"
                )
        if last >= source.next_offset:
            self.report.fail("ledger", f"source {source.id}: a batch ends at {last}, next is {source.next_offset}")

    def _check_record(
        self, source: Source, offset: int, record: SentRecord, verdict: Verdict, batch: Ledger | None, where: str
    ) -> None:
        rows, rejects = source.rows.get(offset, []), source.rejects.get(offset, [])
        is_row = verdict.outcome in {Outcome.ROW, Outcome.TOMBSTONE}
        if len(rows) + len(rejects) > 1:
            self.report.fail("doubled", f"{where}: {len(rows)} rows, {len(rejects)} rejects")
        elif rejects:
            self.report.rejects += 1
            self._check_reject(
                rejects[0], record, batch, is_row=is_row or verdict.outcome is Outcome.DROP, where=where
            )
        elif verdict.outcome is Outcome.DROP:
            self.report.dropped += 1
            if rows:
                self.report.fail("misjudged", f"{where}: too late, but stored")
        elif not is_row:
            kind = "misjudged" if rows else "lost"
            self.report.fail(kind, f"{where}: bad, but {'stored' if rows else 'not in the quarantine'}")
        elif not self._plan.upsert:
            self._check_row(rows, verdict, batch, where)

    def _check_reject(
        self, reject: tuple[Any, ...], record: SentRecord, batch: Ledger | None, *, is_row: bool, where: str
    ) -> None:
        batch_id, topic, _, key, value, reason = reject
        if (key, value, topic) != (record.key, record.value, self._plan.topic):
            self.report.fail("changed", f"{where}: the quarantine holds other bytes")
        if batch is None or batch_id != batch.id:
            self.report.fail("ledger", f"{where}: quarantined by batch {batch_id}, not by {batch and batch.id}")
        if is_row and reason == UNREADABLE:
            self.report.suspected += 1
        elif is_row:
            self.report.fail("misjudged", f"{where}: good, but rejected as {reason}")

    def _check_row(
        self, rows: Sequence[Mapping[str, Any]], verdict: Verdict, batch: Ledger | None, where: str
    ) -> None:
        if not rows:
            self.report.fail("lost", where)
            return
        if wrong := _differences(rows[0], verdict.values):
            self.report.fail("changed", f"{where}: {wrong}")
        if batch is None or rows[0]["_batch"] != batch.id:
            self.report.fail("ledger", f"{where}: the row names batch {rows[0]['_batch']}")

    def _compete(self, source: Source, offset: int, verdict: Verdict, mark_ms: int) -> None:
        """The record with the highest (_at, _source, _offset) wins."""
        rank = (EPOCH + datetime.timedelta(milliseconds=mark_ms), source.id, offset)
        key = verdict.values["id"]
        if (offset not in source.rejects) and (key not in self._winners or self._winners[key].rank < rank):
            self._winners[key] = Winner(rank, verdict)

    def _check_winners(self, sources: Mapping[int, Source]) -> None:
        rows = [row for source in sources.values() for found in source.rows.values() for row in found]
        counts = Counter(row["id"] for row in rows)
        for key, count in counts.items():
            if count > 1:
                self.report.fail("doubled", f"key {key}: {count} rows")
        by_key = {row["id"]: row for row in rows}
        for key, winner in self._winners.items():
            row = by_key.pop(key, None)
            if row is None:
                self.report.fail("lost", f"key {key}")
                continue
            stored = (row["_at"], row["_source"], row["_offset"])
            deleted = winner.verdict.outcome is Outcome.TOMBSTONE
            if stored != winner.rank or row["_deleted"] is not deleted:
                self.report.fail("wrong winners", f"key {key}: {stored}, but {winner.rank} wins")
            elif wrong := _differences(row, winner.verdict.values):
                self.report.fail("changed", f"key {key}: {wrong}")
            elif (batch := _BatchLookup(sources[row["_source"]].batches).at(row["_offset"])) is None or (
                batch.id != row["_batch"]
            ):
                self.report.fail("ledger", f"key {key}: the row names batch {row['_batch']}")
        for key in by_key:
            self.report.fail("invented", f"key {key}")

    def _check_log(self) -> None:
        """Kafka still has what it acknowledged, and nothing of what was aborted."""
        for generation in self._journal.generations[self._plan.topic]:
            current = generation is self._journal.current(self._plan.topic)
            for (partition, offset), sent in generation.acknowledged.items():
                record = generation.kept.get(partition, {}).get(offset)
                if record is None and current:
                    record = self._logs[partition].records.get(offset)
                if record is None or digest(record.key, record.value) != sent:
                    self.report.fail("not as sent", f"partition {partition}, offset {offset}")
            for partition, offset in generation.aborted if current else ():
                if offset in self._logs[partition].records:
                    self.report.fail("not as sent", f"partition {partition}, offset {offset}: aborted")


class _BatchLookup:
    """Finds the batch of an offset."""

    def __init__(self, batches: Sequence[Ledger]) -> None:
        self._batches = batches
        self._firsts = [batch.first for batch in batches]

    def at(self, offset: int) -> Ledger | None:
        """The batch that holds the offset."""
        index = bisect_right(self._firsts, offset) - 1
        if index < 0 or self._batches[index].last < offset:
            return None
        return self._batches[index]


def _differences(row: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The columns whose values differ; a property that the record's version did not have is null."""
    wrong = [name for name in row if not name.startswith("_") and row[name] != values.get(name)]
    return ", ".join(f"{name} is {row[name]!r:.80}, sent {values.get(name)!r:.80}" for name in wrong)
