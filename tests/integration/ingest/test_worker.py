"""Real Kafka to real PostgreSQL: exactly once, through bad records and restarts."""

from collections.abc import Callable
from io import StringIO

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.datasets.core.record.raw_preview import SHOWN_BYTES
from apps.datasets.services import dataset_drop
from apps.ingest.conf import KafkaSettings
from apps.ingest.services.run_limits import RunLimits
from embedded.postgres import EmbeddedPostgres
from tests.documents import prop
from tests.integration.ingest.conftest import Line
from tests.unit.ingest.world import ENTITIES, EVENTS, things

Until = Callable[[Callable[[], bool]], None]


def stored(line: Line) -> list[int]:
    return [row[0] for row in line.query("SELECT id FROM data.things ORDER BY id")]


def test_every_record_of_every_partition_is_a_row_once(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make(3)
    for partition in range(3):
        line.send(*things(500, partition * 500), partition=partition)
    moved = line.run("things", batch_rows=200, chunk_records=64)
    assert (moved.records, moved.rows, moved.rejects) == (1_500, 1_500, 0)
    assert stored(line) == list(range(1_500))
    assert line.run("things").records == 0
    ledger = line.query("SELECT sum(rows), count(DISTINCT source_id), count(DISTINCT xid) FROM datasets_batch")
    assert ledger[0][:2] == (1_500, 3)
    assert ledger[0][2] > 5
    assert line.query("SELECT count(*) FROM data.things t JOIN datasets_batch b ON b.id = t._batch") == [(1_500,)]


def test_each_bad_record_is_quarantined_raw_with_its_reason(line: Line) -> None:
    line.apply(
        [
            prop("id", "integer", "integer", required=True, unique=True),
            prop("name", physicalType="varchar(5)"),
            prop("colour", enum=[{"value": "red"}]),
        ],
        mode="append",
    )
    line.make()
    bad = {
        b"{": "not_json",
        b"[1]": "not_an_object",
        b'{"name":"a"}': "missing_field",
        b'{"id":9,"other":1}': "unknown_field",
        b'{"id":"x"}': "wrong_type",
        b'{"id":3000000000}': "out_of_range",
        b'{"id":8,"name":"too long"}': "out_of_range",
        b'{"id":7,"colour":"blue"}': "not_allowed",
        b'{"id":6,"name":"\\u0000"}': "nul",
        b'{"id":1,"name":"twin"}': "refused_by_database",
    }
    line.send({"id": 1}, *bad, {"id": 2}, key=b"k")
    moved = line.run("things")
    assert (moved.rows, moved.rejects) == (2, len(bad))
    rows = line.query(
        'SELECT value, reason, "offset", key, headers, partition FROM ingest_quarantine ORDER BY "offset"'
    )
    assert [(bytes(row[0]), row[1]) for row in rows] == list(bad.items())
    assert [row[2] for row in rows] == list(range(1, len(bad) + 1))
    assert {(bytes(row[3]), str(row[4]), row[5]) for row in rows} == {(b"k", "[['from', 'test']]", 0)}
    assert line.query("SELECT rows, rejects FROM datasets_batch") == [(2, len(bad))]
    refused = line.query("SELECT field, sqlstate FROM ingest_quarantine WHERE reason = 'refused_by_database'")
    assert refused == [("id", "23505")]
    shown = StringIO()
    call_command("quarantine", "list", "things", "--reason", "nul", stdout=shown)
    assert f"{line.topic}/0@9: nul" in shown.getvalue()
    none = StringIO()
    call_command("quarantine", "list", "things", "--reason", "no_such", stdout=none)
    assert none.getvalue() == "No open record of things with the reason no_such is in the quarantine.\n"
    call_command("quarantine", "show", shown.getvalue().split()[0], stdout=shown)
    assert '"name": "\\u0000"' in shown.getvalue()


def test_quarantined_records_are_printed_without_terminal_control_characters(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(b"a\rb", b"\xff\x1b[2J", b"x" * (SHOWN_BYTES + 5), None, '{"id":1,"a\u202e\\u001b[2J":1}'.encode())
    assert line.run("things").rejects == 5
    texts = []
    for (record,) in line.query('SELECT id FROM ingest_quarantine ORDER BY "offset"'):
        out = StringIO()
        call_command("quarantine", "show", str(record), stdout=out)
        texts.append(out.getvalue())
    shown = [text.split("\nvalue     ")[1] for text in texts]
    assert "\nfield     a\\u202e\\u001b[2J\n" in texts[4]
    assert not {"\u202e", "\x1b", "\r"} & set("".join(texts))
    assert shown[0] == "a\\u000db\n"
    assert shown[1] == "\n00000000  ff 1b 5b 32 4a                                   ..[2J\n"
    assert shown[2].endswith("xxx\n… 5 more bytes\n")
    assert shown[3] == "(none)\n"


def test_values_that_would_stop_a_worker_or_its_readers_are_quarantined(line: Line) -> None:
    line.apply(
        [
            prop("id", "integer", required=True),
            prop("s", logicalTypeOptions={"pattern": r"^(\w+\s?)*$"}),
            prop("doc", "object"),
            prop("num", "number", "numeric"),
        ],
        mode="append",
    )
    line.make()
    bad = {
        b'{"id":1,"s":"' + b"a" * 40 + b'!"}': "s",
        b'{"id":2,"s":"' + b"a " * 30_000 + b'!"}': "s",
        b'{"id":3,"doc":{"a":[' + b",".join([b"1e131000"] * 4_000) + b"]}}": "doc",
        b'{"id":4,"doc":{"a":1e-16383}}': "doc",
        b'{"id":5,"num":1' + b"0" * 5_000 + b"}": "num",
    }
    line.send({"id": 0, "s": "one two"}, *bad, {"id": 6, "s": "", "doc": {"a": 1.5e-7}, "num": 1e30})
    moved = line.run("things")
    assert (moved.rows, moved.rejects) == (2, len(bad))
    assert stored(line) == [0, 6]
    kept = line.query('SELECT value, reason, field FROM ingest_quarantine ORDER BY "offset"')
    assert [(bytes(row[0]), row[1], row[2]) for row in kept] == [
        (value, "out_of_range", field) for value, field in bad.items()
    ]


def test_many_rejected_rows_are_found_in_one_transaction(line: Line) -> None:
    line.apply([prop("id", "integer", required=True, unique=True)], mode="append")
    line.make()
    line.send(*({"id": number if number % 97 else 0} for number in range(2_000)))
    moved = line.run("things", batch_rows=2_000)
    twins = len(range(0, 2_000, 97)) - 1
    assert (moved.rows, moved.rejects) == (2_000 - twins, twins)
    assert line.query("SELECT max(rejects), sum(rows + rejects) FROM datasets_batch")[0][1] == 2_000


def test_upserts_have_the_same_result_in_steps_of_any_size_and_tombstones_stay(line: Line) -> None:
    line.apply(ENTITIES, mode="upsert")
    line.apply(ENTITIES, name="copies", mode="upsert")
    line.make(2)
    for number in range(40):
        line.send({"id": number % 5, "name": str(number)}, partition=number % 2)
    line.send(None, partition=1, key=b'{"id":3}')
    line.run("things")
    for _ in range(3):
        assert line.worker("copies", limits=RunLimits(max_records=7), batch_rows=3, chunk_records=2).run().records == 7
    assert line.run("copies").records == 20
    select = "SELECT id, name, _offset, _deleted, _at FROM data.{} ORDER BY id"
    assert line.query(select.format("things")) == line.query(select.format("copies"))
    assert [row[3] for row in line.query(select.format("things"))] == [False, False, False, True, False]


def test_a_recreated_topic_stops_until_it_is_accepted(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(10))
    line.run("things")
    admin = line.admin
    admin.delete_topics([line.topic])[line.topic].result(10)
    until(lambda: not line.topics.states([line.topic]).found)
    with pytest.raises(CommandError, match="topics ensure"):
        call_command("ingest", "things", until_idle=True)
    call_command("topics", "ensure", "things", stdout=StringIO())
    line.send(*things(30, 100))
    with pytest.raises(CommandError, match="deleted and created again"):
        call_command("ingest", "things", until_idle=True, stdout=StringIO())
    assert stored(line) == list(range(10))
    output = StringIO()
    call_command("topics", "accept", "things", stdout=output)
    assert "starts at offset 0" in output.getvalue()
    assert line.run("things").rows == 30
    assert stored(line) == [*range(10), *range(100, 130)]
    assert len(line.query("SELECT DISTINCT _source FROM data.things")) == 2


def test_a_recreated_and_refilled_topic_gives_the_old_position_no_record(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(10))
    worker = line.start(refresh_s=300.0)  # only the records themselves may trigger a check
    until(lambda: len(stored(line)) == 10)
    admin = line.admin
    admin.delete_topics([line.topic])[line.topic].result(10)
    until(lambda: not line.topics.states([line.topic]).found)
    line.make()
    line.send(*things(30, 100))
    until(lambda: "created again" in worker.streams.stopped.get("things", ""))
    assert stored(line) == list(range(10))
    line.stop()
    call_command("topics", "accept", "things", stdout=StringIO())
    line.run()
    assert stored(line) == [*range(10), *range(100, 130)]


def test_offsets_lost_to_retention_stop_until_they_are_accepted(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(10))
    line.run("things")
    line.send(*things(10, 10))
    admin, place = line.admin, TopicPartition(line.topic, 0, 15)
    admin.delete_records([place])[place].result(10)
    assert "no longer has it" in line.run("things").stopped["things"]
    assert line.query("SELECT next_offset, last_error <> '' FROM ingest_source") == [(10, True)]
    output = StringIO()
    call_command("topics", "accept", "things", stdout=output)
    assert "moves from offset 10 to 15" in output.getvalue()
    assert line.run("things").rows == 5


def test_a_database_that_restarts_costs_no_record(line: Line, until: Until, postgres_server: EmbeddedPostgres) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.start("things", batch_rows=50, chunk_records=20)
    for start in range(0, 600, 100):
        line.send(*things(100, start), partition=start // 100 % 2)
        if start == 200:
            until(lambda: len(stored(line)) > 50)
            postgres_server.stop()
            line.send({"name": "no id"})
            postgres_server.start()
    until(lambda: len(stored(line)) == 600)
    line.stop()
    assert stored(line) == list(range(600))
    assert line.query("SELECT reason FROM ingest_quarantine") == [("missing_field",)]


def test_a_broker_that_is_killed_costs_no_record(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.start("things", batch_rows=50, chunk_records=20)
    line.send(*things(300))
    until(lambda: len(stored(line)) > 50)
    line.kafka.kill()
    line.kafka.start()
    line.send(*things(300, 300), partition=1)
    until(lambda: len(stored(line)) == 600)
    line.stop()
    assert stored(line) == list(range(600))


def test_two_workers_share_partitions_and_one_leaves_without_loss(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make(4)
    first = line.start("things", batch_rows=20, chunk_records=10, worker="one")
    line.send(*things(100))
    until(lambda: len(stored(line)) == 100)
    line.start("things", batch_rows=20, chunk_records=10, worker="two")
    until(lambda: {row[0] for row in line.query("SELECT owner FROM ingest_source")} == {"one", "two"})
    for partition in range(4):
        line.send(*things(200, 100 + partition * 200), partition=partition)
    first.stop()
    until(lambda: len(stored(line)) == 900)
    until(lambda: {row[0] for row in line.query("SELECT owner FROM ingest_source")} == {"two"})
    line.stop()
    assert stored(line) == list(range(900))
    assert line.query("SELECT count(*) FROM ingest_source WHERE owner <> ''") == [(0,)]


def test_a_dataset_applied_after_the_start_is_read_and_a_dropped_one_released(line: Line, until: Until) -> None:
    worker = line.start()
    line.make()
    line.send(*things(20))
    line.apply(EVENTS, mode="append")
    until(lambda: len(stored(line)) == 20)
    dataset_drop("things", with_data=True)
    until(lambda: not list(worker.streams))
    assert line.threads[0][1].is_alive()


@pytest.mark.parametrize("command", ["ingest", "topics", "lag"])
def test_a_missing_broker_is_reported_in_one_line_with_its_host(
    line: Line, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.apply(EVENTS, mode="append")
    monkeypatch.setattr(settings, "KAFKA", KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    monkeypatch.setattr("apps.ingest.adapters.kafka_topic_admin.TIMEOUT_S", 1.0)
    monkeypatch.setattr("apps.ingest.services.refresh.PATIENCE_S", 0.1)
    line.query(
        "INSERT INTO ingest_source (dataset_id, topic, topic_id, partition, next_offset) "
        f"SELECT id, '{line.topic}', 'x', 0, 0 FROM datasets_dataset RETURNING id"
    )
    arguments = {"ingest": ["things", "--until-idle"], "topics": ["ensure"], "lag": ["--once"]}[command]
    with pytest.raises(CommandError, match=r"Kafka at 127\.0\.0\.1:1 does not respond") as refused:
        call_command(command, *arguments)
    assert "start it, or fix ANDEN_KAFKA_BOOTSTRAP_SERVERS" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_dataset_is_reported_in_one_line_with_the_fix(line: Line) -> None:
    with pytest.raises(CommandError, match="no dataset is named nothing: apply its contract"):
        call_command("ingest", "nothing", until_idle=True)


def test_lag_is_counted_from_stored_positions(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.send(*things(10))
    line.worker("things", limits=RunLimits(max_records=4), chunk_records=4).run()
    output = StringIO()
    call_command("lag", "--once", stdout=output)
    assert "things: 6 records behind" in output.getvalue()
    line.run("things")
    call_command("lag", "--once", stdout=output)
    assert "things: 0 records behind, last batch 0 s ago" in output.getvalue()


def test_unread_partitions_count_from_their_first_offset(line: Line) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.send(*things(10))
    line.send(*things(5, 10), partition=1)
    output = StringIO()
    call_command("lag", "--once", stdout=output)
    assert "things: 15 records behind, no batch yet" in output.getvalue()
    line.run("things")
    admin = line.admin
    admin.create_partitions([NewPartitions(line.topic, 3)])[line.topic].result(10)
    line.send(*things(7, 20), partition=2)
    call_command("lag", "--once", stdout=output)
    assert "things: 7 records behind" in output.getvalue()
    line.apply(EVENTS, name="copies", mode="append")
    admin.delete_records([TopicPartition(line.topic, 0, 4)])[TopicPartition(line.topic, 0, 4)].result(10)
    call_command("lag", "--once", stdout=output)
    assert "copies: 18 records behind, no batch yet" in output.getvalue()
