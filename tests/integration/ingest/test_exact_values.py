"""Values through Kafka into PostgreSQL: each is stored exactly or quarantined, and the counts add up."""

from psycopg import sql

from tests.exact_values import FIELDS, records
from tests.integration.ingest.conftest import Line


def test_each_value_is_stored_as_sent_or_quarantined_with_its_reason(line: Line) -> None:
    line.apply(FIELDS, mode="append")
    line.make()
    sent = records()
    line.send(*(value for value, _, _ in sent))
    moved = line.run("things")
    assert (moved.records, moved.rows + moved.rejects) == (len(sent), len(sent))
    reasons = dict(line.query('SELECT "offset", reason FROM ingest_quarantine'))
    columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(field["name"])) for field in FIELDS)
    with line.station.connect("ingest") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(sql.SQL("SELECT _offset, {} FROM data.things").format(columns)).fetchall()
    names = [field["name"] for field in FIELDS]
    stored = {offset: dict(zip(names, texts, strict=True)) for offset, *texts in rows}
    found = [(value, stored.get(offset, reasons.get(offset))) for offset, (value, _, _) in enumerate(sent)]
    wanted = [(value, {**dict.fromkeys(names), column: end} if column else end) for value, column, end in sent]
    assert [pair for pair in zip(found, wanted, strict=True) if pair[0] != pair[1]] == []
    assert (len(stored), len(reasons)) == (moved.rows, moved.rejects)
