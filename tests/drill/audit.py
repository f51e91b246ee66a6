"""Compares what Kafka has with what PostgreSQL has. Shares no code with the apps: a consumer and SQL."""

import datetime
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from tests.drill.clients import Written
from tests.drill.content import ACCOUNTS, FEEDS, Feed
from tests.drill.traffic import FATE

Place = tuple[str, int, int]
"""Topic, partition, offset."""
Ask = Callable[[str], list[Any]]
"""Runs a superuser's query."""
READ_WITHIN_S: Final = 180.0
SOURCES: Final = (
    "SELECT id, topic, partition, next_offset, owner, last_error FROM ingest_source WHERE topic LIKE 'drill.%'"
)
QUARANTINE: Final = 'SELECT source_id, "offset", value, key FROM ingest_quarantine'
BATCHES: Final = (
    "SELECT source_id, first_offset, last_offset, rows + rejects FROM datasets_batch WHERE source_id <> 0"
    " ORDER BY source_id, first_offset"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as Kafka has it."""

    place: Place
    at_ms: int
    key: bytes | None
    value: bytes | None
    fate: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the audit compared, and every difference."""

    counts: Mapping[str, int]
    differences: Sequence[str]


def read_topics(bootstrap: str, feeds: Sequence[Feed]) -> list[Sent]:
    """Every record of the feeds' topics, in offset order per partition. Raises TimeoutError."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "drill-audit", "enable.partition.eof": True}
        | {"enable.auto.commit": False, "auto.offset.reset": "error"}
    )
    places = [
        TopicPartition(feed.topic, number, OFFSET_BEGINNING) for feed in feeds for number in range(feed.partitions)
    ]
    consumer.assign(places)
    found: list[Sent] = []
    open_places, deadline = len(places), time.monotonic() + READ_WITHIN_S
    while open_places:
        message = consumer.poll(1.0)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{open_places} partitions not read to their ends")
        if message is None:
            continue
        if (error := message.error()) is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise RuntimeError(str(error))
            open_places -= 1
            continue
        fate = dict(message.headers() or ())[FATE].decode()
        place = (str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
        found.append(Sent(place, message.timestamp()[1], message.key(), message.value(), fate))
    consumer.close()
    return found


class Audit:
    """The comparison. Sums up to one line per dataset."""

    def __init__(self, ask: Ask, sent: Sequence[Sent], written: Mapping[str, Written]) -> None:
        self._ask = ask
        self._sent = sent
        self._written = written
        self._sources = {row[0]: (row[1], row[2]) for row in ask(SOURCES)}
        self.counts: Counter[str] = Counter()
        self.differences: list[str] = []

    def run(self) -> Verdict:
        """Every comparison."""
        self._compare_sources()
        self._compare_quarantine()
        self._compare_ledger()
        for feed in FEEDS:
            sent = [record for record in self._sent if record.place[0] == feed.topic]
            self.counts[f"{feed.name}: records in Kafka"] = len(sent)
            if feed.upsert:
                self._compare_winners(feed, sent)
            else:
                self._compare_rows(feed, [record for record in sent if record.fate == "row"])
        return Verdict(self.counts, self.differences)

    def _differ(self, what: str, places: Iterator[object] | Sequence[object]) -> None:
        found = list(places)
        if found:
            self.differences.append(f"{len(found)} {what}: {found[:5]}")

    def _compare_sources(self) -> None:
        """One position per partition, at its end, without an error."""
        ends: Counter[tuple[str, int]] = Counter(record.place[:2] for record in self._sent)
        rows = self._ask(SOURCES)
        self._differ(
            "partitions with several positions", [p for p, n in Counter(r[1:3] for r in rows).items() if n > 1]
        )
        self._differ("positions not at the end", [row for row in rows if row[3] != ends[row[1:3]]])
        self._differ("positions with an error", [row for row in rows if row[5]])
        self._differ("partitions without a position", sorted(ends.keys() - {row[1:3] for row in rows}))

    def _compare_quarantine(self) -> None:
        """Every bad record once, with its bytes, and nothing else."""
        wanted = {record.place: (record.value, record.key) for record in self._sent if record.fate == "quarantine"}
        rows = [row for row in self._ask(QUARANTINE) if row[0] in self._sources]
        found = {(*self._sources[source], offset): (_bytes(value), _bytes(key)) for source, offset, value, key in rows}
        self.counts["quarantined records"] = len(rows)
        self.counts["bad records in Kafka"] = len(wanted)
        self._differ("records quarantined twice", [None] * (len(rows) - len(found)))
        self._differ("bad records lost", sorted(wanted.keys() - found.keys()))
        self._differ("good records quarantined", sorted(found.keys() - wanted.keys()))
        self._differ("changed in quarantine", [p for p in wanted.keys() & found.keys() if wanted[p] != found[p]])

    def _compare_ledger(self) -> None:
        """The batches of a source are adjacent and disjoint, and their counts are those of the records."""
        after: dict[int, int] = defaultdict(int)
        records: Counter[int] = Counter()
        gaps = []
        for source, first, last, count in self._ask(BATCHES):
            if source in self._sources:
                gaps += [(self._sources[source], first)] if first != after[source] else []
                after[source] = last + 1
                records[source] += count
        ends = Counter(record.place[:2] for record in self._sent)
        self._differ("gaps or overlaps in the ledger", gaps)
        totals = {self._sources[source]: count for source, count in records.items()}
        self._differ("wrong sums in the ledger", [p for p in ends if totals.get(p) != ends[p]])
        self.counts["records in the ledger"] = records.total()

    def _compare_rows(self, feed: Feed, sent: Sequence[Sent]) -> None:
        """Every good record of an append dataset is one row with its values."""
        columns = self._columns(feed)
        query = f"SELECT _source, _offset, to_jsonb(t) FROM data.{feed.name} t"
        rows: dict[Place, Any] = {}
        doubled = []
        for source, offset, members in self._ask(query):
            place = (*self._sources.get(source, ("unknown source", source)), offset)
            doubled += [place] if place in rows else []
            rows[place] = members
        self.counts[f"{feed.name}: rows"] = len(rows)
        self._differ(f"records of {feed.name} stored twice", doubled)
        self._differ(f"records of {feed.name} lost", [record.place for record in sent if record.place not in rows])
        self._differ(f"rows of {feed.name} without a record", sorted(rows.keys() - {record.place for record in sent}))
        self._differ(
            f"rows of {feed.name} with other values",
            [
                r.place
                for r in sent
                if r.place in rows and not _same(json.loads(r.value or b""), rows[r.place], columns)
            ],
        )

    def _columns(self, feed: Feed) -> list[str]:
        query = (
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'data'"
            f" AND table_name = '{feed.name}' AND column_name NOT LIKE '\\_%'"
        )
        return [name for (name,) in self._ask(query)]

    def _compare_winners(self, feed: Feed, sent: Sequence[Sent]) -> None:
        """For each key the record with the highest (time, source, offset) wins, or a later write through the API."""
        ids = {place: source for source, place in self._sources.items()}
        winners: dict[str, tuple[tuple[int, int, int], Sent]] = {}
        highest: dict[tuple[str, int], int] = {}
        for record in sent:
            partition = record.place[:2]
            highest[partition] = max(record.at_ms, highest.get(partition, 0))
            if record.fate == "quarantine" or partition not in ids:
                continue
            name = json.loads(record.value or record.key or b"")["id"]
            rank = (highest[partition], ids[partition], record.place[2])
            if name not in winners or rank > winners[name][0]:
                winners[name] = (rank, record)
        stored = {
            row[0]: row[1:]
            for row in self._ask(f"SELECT id, amount, _deleted, _source, _offset, _at FROM data.{feed.name}")
        }
        written = self._written if feed is ACCOUNTS else {}
        self.counts[f"{feed.name}: keys"] = len(stored)
        self._differ(f"keys of {feed.name} that differ", sorted(stored.keys() ^ (winners.keys() | written.keys())))
        wrong = []
        for name in stored.keys() & (winners.keys() | written.keys()):
            kafka, api = winners.get(name), written.get(name)
            if not (_kafka_wins(stored[name], kafka, api) or _api_wins(stored[name], kafka, api)):
                wrong.append((name, stored[name], kafka, api))
        self._differ(f"wrong winners in {feed.name}", wrong)


def _kafka_wins(row: Sequence[Any], kafka: tuple[tuple[int, int, int], Sent] | None, api: Written | None) -> bool:
    """Whether the row is Kafka's winner, and that is permitted: the last write was not certainly later."""
    if kafka is None or (api is not None and api.began_s * 1000 > kafka[0][0] + 1):
        return False
    amount, deleted, source, offset, moment = row
    rank, record = kafka
    value = None if record.value is None else json.loads(record.value)["amount"]
    return (_milliseconds(moment), source, offset) == rank and (amount, deleted) == (value, record.value is None)


def _api_wins(row: Sequence[Any], kafka: tuple[tuple[int, int, int], Sent] | None, api: Written | None) -> bool:
    """Whether the row is the last write, and that is permitted: Kafka's winner was not certainly later."""
    if api is None or (kafka is not None and kafka[0][0] > api.ended_s * 1000 + 1):
        return False
    amount, deleted, source, _, _ = row
    return source == 0 and (deleted if api.amount is None else (amount, deleted) == (api.amount, False))


def _same(sent: Mapping[str, Any], row: Mapping[str, Any], columns: Sequence[str]) -> bool:
    """Whether the row has the record's values; absent ones are null."""
    return all(_plain(sent.get(name), row[name]) for name in columns) and sent.keys() <= set(columns)


def _plain(sent: Any, stored: Any) -> bool:
    if isinstance(sent, str) and isinstance(stored, int | float):
        return float(sent) == float(stored)
    if isinstance(sent, str) and sent.endswith("Z") and isinstance(stored, str):
        return datetime.datetime.fromisoformat(sent) == datetime.datetime.fromisoformat(stored)
    return bool(sent == stored)


def _milliseconds(moment: datetime.datetime) -> int:
    return round(moment.timestamp() * 1000)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
