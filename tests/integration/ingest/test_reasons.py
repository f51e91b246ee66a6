"""Why records became no rows, from Kafka through PostgreSQL to the quarantine's page and command."""

from io import StringIO
from typing import Any

import msgspec
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.console.groups import VIEWER
from tests.documents import prop
from tests.integration.ingest.conftest import Line

FIELDS = [
    prop("id", "integer", "integer", required=True, unique=True),
    prop("town"),
    prop("price", "number", "numeric(6,2)"),
    prop("at", "timestamp"),
    prop("doc", "object"),
]
FAULTY = b'{"id":"1","town":"x","price":"dear","at":1700000000000,"zz":1}'


def quarantined(line: Line) -> list[tuple[int, str, str, str, list[dict[str, str]]]]:
    return line.query('SELECT id, field, reason, message, faults FROM ingest_quarantine ORDER BY "offset"')


def shown(record_id: int) -> str:
    out = StringIO()
    call_command("quarantine", "show", str(record_id), stdout=out)
    return out.getvalue()


def page(record_id: int, group: str = "") -> str:
    user = User.objects.create_user(f"reads {record_id} as {group}", is_staff=True, is_superuser=not group)
    user.groups.set(Group.objects.filter(name=group))
    client = Client()
    client.force_login(user)
    return client.get(reverse("admin:ingest_quarantine_change", args=[record_id])).content.decode()


def test_all_faults_are_kept_and_shown(line: Line) -> None:
    line.apply(FIELDS, mode="append")
    line.make()
    line.send({"id": 1}, FAULTY, b"\0\0\0\0\x07" + FAULTY)
    assert line.run("things").rejects == 2
    (faulty, field, reason, message, faults), (framed, _, framing, header, only) = quarantined(line)
    found = [(fault["field"], fault["reason"]) for fault in faults]
    assert found == [("id", "wrong_type"), ("price", "wrong_type"), ("at", "wrong_type"), ("zz", "unknown_field")]
    assert faults[0] == {"field": field, "reason": reason, "message": message}
    assert framing == "undecodable"
    assert "schema id 7" in header
    assert [fault["message"] for fault in only] == [header]
    text = shown(faulty)
    lines = text[text.index("faults    ") :].splitlines()[:4]
    assert [line.index(fault["message"]) for line, fault in zip(lines, faults, strict=True)] == [32] * 4
    assert "faults" not in shown(framed)
    html = page(faulty)
    assert html.index("epoch milliseconds") < html.index("&#x27;zz&#x27; is not in the contract")


def test_refusals_of_postgresql_name_field_and_rule(line: Line) -> None:
    line.apply(FIELDS, mode="append", filters=["town"])
    line.make()
    long: Any = "".join(map(chr, range(0x4E00, 0x4E00 + 9_000)))
    line.send({"id": 1}, {"id": 1, "town": "twin"}, {"id": 2, "town": long}, b'{"id":3,"doc":{"a":"\xff"}}', {"id": 4})
    assert line.run("things").rejects == 3
    found = quarantined(line)
    assert [row[1:3] for row in found] == [
        ("id", "refused_by_database"),
        ("town", "too_large"),
        ("doc", "refused_by_database"),
    ]
    assert [row[3] for row in found] == [
        "'id' must be unique, and another row already has this value",
        "'town' is too long for an index: shorten it to 2704 bytes",
        "'doc' is not valid UTF-8",
    ]
    states = line.query('SELECT sqlstate FROM ingest_quarantine ORDER BY "offset"')
    assert [state for (state,) in states] == ["23505", "54000", "22021"]


def test_faults_that_may_quote_a_restricted_record_are_shown_to_stewards_only(line: Line) -> None:
    line.apply([prop("id", "integer", required=True), prop("ssn", classification="confidential")], mode="append")
    line.make()
    line.send({"id": "x", "ssn": 4, "secret name": 1}, msgspec.json.encode({"id": 1}))
    assert line.run("things").rejects == 1
    record_id = quarantined(line)[0][0]
    assert "secret name" in page(record_id)
    html = page(record_id, VIEWER)
    assert "secret name" not in html
    assert "1 more quote the record." in html
    assert "&#x27;id&#x27; is not of type bigint" in html
