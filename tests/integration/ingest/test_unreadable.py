"""Records on which the worker fails, with real Kafka and PostgreSQL."""

import pytest

from apps.ingest.adapters.kafka_consumer import KafkaConsumer
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.headers import record_headers
from apps.ingest.core.records import ConsumerRecord, PollResult
from apps.telemetry.tracing.current import start_tracing, tracing
from tests.collector import collecting
from tests.documents import prop
from tests.integration.ingest.conftest import Line
from tests.raw_records import Headers, raw_send
from tests.unit.ingest.world import EVENTS, things

LATIN: Headers = [(b"ok", b"1"), (b"caf\xe9", b"2"), (b"last", None)]
QUARANTINE = "SELECT \"offset\", reason, convert_from(value, 'UTF8'), headers FROM ingest_quarantine ORDER BY 1"


@pytest.fixture
def events(line: Line) -> Line:
    line.apply(EVENTS, mode="append")
    line.make()
    return line


def ids(line: Line) -> list[int]:
    return [number for (number,) in line.query("SELECT id FROM data.things ORDER BY 1")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (LATIN, [["ok", "1"], [{"hex": "636166e9"}, "2"], ["last", None]]),
        ([(b"\xff\xfe", b"\xe9"), (b"b", b"2")], [[{"hex": "fffe"}, {"hex": "e9"}], ["b", "2"]]),
        ([(b"\xed\xa0\x80", b"1")], [[{"hex": "eda080"}, "1"]]),
        ([(b"\xe9", b"1"), (b"\xe8", b"2")], [[{"hex": "e9"}, "1"], [None, "2"]]),
        ([(b"", b"1"), (b"\xc3\xa9", b"2")], [["", "1"], ["é", "2"]]),
    ],
)
def test_a_header_name_of_any_bytes_costs_no_good_record_and_is_stored_with_a_bad_one(
    events: Line, sent: Headers, kept: list[object]
) -> None:
    raw_send(events.kafka.bootstrap, events.topic, b'{"id":1}', sent)
    raw_send(events.kafka.bootstrap, events.topic, b'{"id":"poison"}', sent)
    raw_send(events.kafka.bootstrap, events.topic, b'{"id":3}', ())
    assert events.run("things").rows == 2
    assert ids(events) == [1, 3]
    assert events.query(QUARANTINE) == [(1, "wrong_type", '{"id":"poison"}', kept)]


def test_a_batch_with_an_invalid_header_is_traced_and_its_other_traces_are_linked(events: Line) -> None:
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for value in (b'{"id":1}', b"{"):
        raw_send(events.kafka.bootstrap, events.topic, value, [*LATIN, (b"traceparent", parent)])
    with collecting() as collector:
        start_tracing(endpoint=collector.url, sample_ratio=1, service="anden-test")
        try:
            assert events.run("things").rows == 1
            tracing().close()
            batches = [
                span
                for span in collector.until(lambda spans: any(span.name == "batch things" for span in spans))
                if span.name == "batch things"
            ]
        finally:
            tracing().close()
            start_tracing(endpoint=None, sample_ratio=0, service="")
    assert [span.links for span in batches] == [(parent.decode()[3:-3],)]


def test_hundreds_of_invalid_headers_are_stored_each_with_its_record(events: Line) -> None:
    count = 200
    for number in range(count):
        raw_send(events.kafka.bootstrap, events.topic, b"{", [(b"caf\xe9", b"%d" % number)])
    assert events.run("things").rejects == count
    assert [row[3] for row in events.query(QUARANTINE.replace("ORDER BY 1", 'ORDER BY "offset"'))] == [
        [[{"hex": "636166e9"}, str(number)]] for number in range(count)
    ]


def test_the_headers_can_be_read_repeatedly(events: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_send(events.kafka.bootstrap, events.topic, b"{}", LATIN)
    seen: list[ConsumerRecord] = []
    poll = KafkaConsumer.poll

    def watched(broker: KafkaConsumer, count: int, timeout_s: float) -> PollResult:
        arrivals = poll(broker, count, timeout_s)
        seen.extend(record for records in arrivals.records.values() for record in records)
        return arrivals

    monkeypatch.setattr(KafkaConsumer, "poll", watched)
    events.run("things")
    (record,) = seen
    expected = [("ok", b"1"), (b"caf\xe9", b"2"), ("last", None)]
    assert [list(record_headers(record)) for _ in range(3)] == [expected] * 3


SURROGATE = UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")


@pytest.mark.parametrize("error", [SystemError, MemoryError, RecursionError, AttributeError, SURROGATE])
def test_a_decoder_that_fails_on_a_record_costs_only_that_record(
    events: Line, error: type[Exception] | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = Decoder.decode

    def failing(self: Decoder, records: list[object], **how: object) -> object:
        if any(b"poison" in record.value() for record in records):  # type: ignore[attr-defined]
            raise error
        return decode(self, records, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "decode", failing)
    events.send(*things(300), {"id": 300, "name": "poison"}, *things(200, 301))
    moved = events.run("things", chunk_records=100)
    assert (moved.rows, moved.rejects, moved.stopped) == (500, 1, {})
    assert ids(events) == [number for number in range(501) if number != 300]
    ((offset, reason, value, headers),) = events.query(QUARANTINE)
    assert (offset, reason, value, headers) == (300, "unreadable", '{"id":300,"name":"poison"}', [["from", "test"]])
    assert events.query("SELECT sum(rows), sum(rejects) FROM datasets_batch") == [(500, 1)]


@pytest.mark.parametrize("value", [object(), {"a": 1}, lambda: None, "\ud800", 1e400, "1" * 200])
def test_a_row_that_psycopg_cannot_send_costs_only_that_row(
    events: Line, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = Decoder.decode

    def spoiling(self: Decoder, records: list[object], **how: object) -> object:
        part = decode(self, records, **how)  # type: ignore[arg-type]
        part.rows = [(value, *row[1:]) if row[0] == 3 else row for row in part.rows]
        return part

    monkeypatch.setattr(Decoder, "decode", spoiling)
    events.send(*things(10))
    moved = events.run("things")
    assert (moved.rows, moved.rejects, moved.stopped) == (9, 1, {})
    assert ids(events) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    ((offset, reason, raw, _),) = events.query(QUARANTINE)
    assert (offset, raw) == (3, '{"id":3,"name":"n3"}')
    assert reason in {"unreadable", "refused_by_database"}


def test_an_unreadable_position_stops_only_its_dataset(events: Line) -> None:
    events.send(*things(3))
    events.run("things")
    events.query("UPDATE ingest_source SET max_at = 'infinity' RETURNING 1")
    events.send(*things(3, 3))
    moved = events.run("things")
    assert "position" in moved.stopped["things"]
    assert ids(events) == [0, 1, 2]


@pytest.mark.parametrize("inside", ["", '"\\u0000"'])
@pytest.mark.parametrize("levels", [501, 940, 980, 5_000])
@pytest.mark.parametrize("unknown", ["ignore", "keep"])
def test_records_nested_too_deep_are_quarantined_and_all_others_stored(
    line: Line, unknown: str, levels: int, inside: str
) -> None:
    fields = (prop("id", "integer", required=True), prop("arr", "array", "jsonb"))
    line.apply(fields, mode="append", unknownFields=unknown)
    line.make()
    name = "other" if unknown == "keep" else "arr"
    deep = f'{{"id":7,"{name}":{"[" * levels}{inside}{"]" * levels}}}'.encode()
    fits = f'{{"id":1,"arr":{"[" * 500}{"]" * 500}}}'.encode()
    for value in (fits, *[deep] * 25, fits):
        raw_send(line.kafka.bootstrap, line.topic, value, ())
    moved = line.run("things")
    assert (moved.rows, moved.rejects, moved.stopped) == (2, 25, {})
    found = line.query("SELECT DISTINCT reason, field, message FROM ingest_quarantine")
    assert found == [("too_deep", name, f"'{name}' is nested more than 500 levels deep: flatten it")]
