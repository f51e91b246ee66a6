"""The records of the measurements have the shapes that their names promise."""

import csv
import json
import re
import time
import uuid
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.record.formats import record_reader
from bench import ingest
from bench.commit_edges import CommitEdges
from bench.copies import copy_file
from bench.ingest_poison import CLEAN, EVERY, REPEATED, UNDECODABLE, poisoned_value
from bench.ingest_upserts import BLOCK, DISTINCT, upsert_key
from bench.interleaved import interleaved, progress_line
from bench.large_table import LAST_MONTH, MONTHS, month_before
from bench.pace import Pace
from bench.quantiles import quantile
from bench.query_log import count_queries
from bench.record_kinds import (
    DATED_ORDERS,
    EVENTS,
    EVENTS_WITH_PATTERN,
    KEYED_ORDERS,
    ORDERS,
    PATTERN,
    UNIQUE_ORDERS,
    RecordKind,
)
from bench.steady_stream import RUN, RoundRobin

KINDS = (EVENTS, EVENTS_WITH_PATTERN, ORDERS, UNIQUE_ORDERS, KEYED_ORDERS, DATED_ORDERS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_accepts_the_records(kind: RecordKind) -> None:
    mode = "upsert" if kind is KEYED_ORDERS else "append"
    reader = record_reader(contract_from_odcs(kind.document("things", mode=mode)))
    values: list[bytes | None] = [kind.value(number) for number in (0, 1, 25, 1_000, 999_999)]
    assert reader.decode_all(values, [()] * len(values), [None] * len(values)) is not None  # type: ignore[list-item]


def test_events_have_distinct_ids_and_references_of_the_pattern() -> None:
    events = [json.loads(EVENTS.value(number)) for number in range(2_000)]
    assert len({uuid.UUID(event["id"]) for event in events}) == len(events)
    assert all(re.search(PATTERN, event["reference"]) for event in events)


def test_each_block_of_upserts_has_a_tenth_of_distinct_keys_and_half_of_them_are_new() -> None:
    first, second = ({upsert_key(n) for n in range(start, start + BLOCK)} for start in (0, BLOCK))
    assert len(first) == len(second) == DISTINCT == BLOCK / 10
    assert len(second - first) == DISTINCT / 2


def test_one_record_in_a_thousand_is_bad() -> None:
    count = 3 * EVERY
    clean, undecodable, repeated = (
        [json.loads(poisoned_value(topic, number)) for number in range(count)]
        for topic in (CLEAN, UNDECODABLE, REPEATED)
    )
    assert sum(own != other for own, other in zip(undecodable, clean, strict=True)) == 3
    assert {record["id"] for record in undecodable if not isinstance(record["id"], int)} == {"poison"}
    assert sorted(Counter(record["id"] for record in repeated).values())[-4:] == [1, 2, 2, 2]


def test_csv_files_hold_what_copy_reads(tmp_path: Path) -> None:
    made = copy_file(
        tmp_path / "rows.csv", ("a", "b", "c", "d"), [(None, True, {"x": [1]}, 'a "b"'), (1, False, [], "")]
    )
    assert made.rows == 2
    with made.path.open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["", "true", '{"x":[1]}', 'a "b"'], ["1", "false", "[]", ""]]


def test_a_steady_stream_visits_every_place_in_turn_with_short_runs() -> None:
    runs = RoundRobin([("a", 0), ("a", 1), ("b", 0)], [b"1", b"2", b"3"]).runs()
    seen = [next(runs) for _ in range(4)]
    assert [(run[0].topic, run[0].partition) for run in seen] == [("a", 0), ("a", 1), ("b", 0), ("a", 0)]
    assert all(len(run) == RUN and len({(one.topic, one.partition) for one in run}) == 1 for run in seen)
    assert seen[0][0].value != seen[1][0].value


def test_the_rate_between_two_commits_ignores_the_open_batches_at_both_ends() -> None:
    edges = CommitEdges()
    for now_s, committed in ((0.0, 0), (0.9, 500), (1.0, 500), (1.5, 1_500), (2.0, 1_500), (2.5, 2_500), (2.9, 2_500)):
        edges.see(now_s, committed)
    assert edges.rate(since_s=1.0) == 1_000.0
    assert edges.rate(since_s=2.0) == 0.0


def test_the_pace_is_shared(tmp_path: Path) -> None:
    with Pace(tmp_path / "pace") as worker, Pace(tmp_path / "pace") as producer:
        assert producer.records == 0
        worker.records = 7
        assert producer.records == 7


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_quantile_is_one_of_the_values(share: float, expected: float) -> None:
    assert quantile([float(value) for value in range(100, 0, -1)], share) == expected


LOG = """
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden LOG:  statement: BEGIN
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden LOG:  execute <unnamed>:
	SELECT s.id FROM public.ingest_source s
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden DETAIL:  Parameters: $1 = '1'
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden LOG:  execute _pg3_0: UPDATE public.ingest_source
2026-12-01 03:05:09.371 UTC [1] anden_app@anden LOG:  statement: SELECT 1
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden LOG:  statement: COPY data.a FROM STDIN
2026-12-01 03:05:09.371 UTC [1] anden_ingest@anden LOG:  statement: commit
"""


def test_queries_of_the_role_are_counted_without_begin_and_commit() -> None:
    assert count_queries(LOG) == 3


def test_the_first_round_does_not_count_and_the_order_alternates(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def left() -> dict[str, float]:
        order.append("left")
        return {"left": float(len(order))}

    def right() -> dict[str, float]:
        order.append("right")
        return {"right": float(len(order))}

    found = interleaved("sides", [left, right], rounds=2)
    assert order == ["right", "left", "left", "right", "right", "left"]
    assert found == {"left": [3.0, 6.0], "right": [4.0, 5.0]}
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_progress_lines_are_aligned() -> None:
    lines = [
        progress_line("events", 0, 5, {"Andén": 9.0, "\\copy": 1_234_567.0}),
        progress_line("upserts", 1, 5, {"Andén": 123_456.0, "\\copy": 7.0}),
    ]
    assert len({line.index("Andén") for line in lines}) == len({line.index("\\copy") for line in lines}) == 1
    assert len({len(line) for line in lines}) == 1


def test_the_large_table_has_two_years_of_months() -> None:
    assert month_before(0) == LAST_MONTH
    assert month_before(MONTHS - 1).isoformat() == "2024-02-01"


def test_the_orders_are_of_the_large_tables_last_month() -> None:
    assert msgspec.json.decode(DATED_ORDERS.value(299_999))["at"].startswith(f"{LAST_MONTH:%Y-%m}")


def test_each_shape_has_a_module() -> None:
    folder = Path(ingest.__file__).parent
    assert {path.stem.removeprefix("ingest_") for path in folder.glob("ingest_*.py")} == set(ingest.SHAPES)


def test_stages_add_up_to_the_time_since_the_restart() -> None:
    from bench.stage_clock import ENCODE, OTHER, SERVER, StageClock  # noqa: PLC0415 - the clock alone

    class Store:
        def write(self) -> None:
            time.sleep(0.02)
            sum(range(200_000))

    clock = StageClock()
    clock.time_method(Store, "write", running=ENCODE, waiting=SERVER)
    clock.restart()
    began_s = time.perf_counter()
    Store().write()
    found = clock.read()
    assert found[SERVER] >= 0.015
    assert found[ENCODE] > 0
    assert found[OTHER] >= 0
    assert sum(found.values()) <= time.perf_counter() - began_s + 0.01
