"""The gateway's handler at its limits: answers too large for Lambda, bodies that break off, what is no text."""

import gzip
import json
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
import pytest

from apps.api.problems import CONTENT_TYPE
from functions.gateway import LIMIT_BYTES, Event, gateway_handler
from tests.functions import asked
from tests.gateway import LIMIT_BYTES as LAMBDAS_LIMIT_BYTES

PIECE = b"x" * 100_000
TEXT = "text/csv; charset=utf-8"


class Body(Iterable[bytes]):
    """A body in pieces that knows how many were asked for, and whether it was closed."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.asked = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.asked += 1
            yield piece
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def answered(body: Iterable[bytes], *headers: tuple[str, str], request: Event | None = None) -> Event:
    """What the function answers where the application answers with this body and these headers."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return body

    answer: Event = json.loads(json.dumps(gateway_handler(application)(request or asked("/"), None)))
    return answer


def problem(answer: Event) -> dict[str, Any]:
    assert answer["headers"]["content-type"] == CONTENT_TYPE
    told: dict[str, Any] = json.loads(answer["body"])
    assert told["status"] == answer["statusCode"]
    return told


def test_an_answer_that_lambda_would_refuse_is_told_as_a_problem_and_not_made_to_its_end() -> None:
    body = Body(*[PIECE] * 1000)
    told = problem(answered(body, ("Content-Type", TEXT)))
    assert (told["status"], told["type"]) == (400, "/api/problems#response-too-large")
    assert "ask for fewer records or fields" in told["detail"]
    assert told["instance"] == "urn:anden:request:JKJaXmPLvHcESHA"
    assert body.asked == LIMIT_BYTES // len(PIECE) + 1
    assert body.closed == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [("image/png", b"\x00" * (LIMIT_BYTES * 3 // 4)), ("application/json", b'"' * (LIMIT_BYTES // 2))],
    ids=["base64", "quoted"],
)
def test_it_is_the_size_for_lambda_that_counts(kind: str, body: bytes) -> None:
    """Bytes that are no text grow by a third on the way, quotes by one each."""
    whole = Body(body)
    assert problem(answered(whole, ("Content-Type", kind)))["type"].endswith("#response-too-large")
    assert whole.closed == 1
    smaller = answered(Body(body[:-1000]), ("Content-Type", kind))
    assert smaller["statusCode"] == 200
    assert LIMIT_BYTES - 2000 < len(json.dumps(smaller)) <= LIMIT_BYTES < LAMBDAS_LIMIT_BYTES


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (psycopg.errors.AdminShutdown("terminating connection"), 503, "database-unavailable"),
        (psycopg.errors.QueryCanceled("statement timeout"), 400, "query-timeout"),
        (RuntimeError("the password is 1234"), 500, "internal-server-error"),
    ],
    ids=["away", "slow", "unknown"],
)
def test_a_body_that_breaks_off_is_told_whole_because_nothing_was_sent(
    error: Exception, status: int, slug: str
) -> None:
    body = Body(PIECE, error=error)
    answer = answered(body, ("Content-Type", TEXT))
    told = problem(answer)
    assert (told["status"], told["type"]) == (status, f"/api/problems#{slug}")
    assert ("retry-after" in answer["headers"]) == (status == 503)
    assert "1234" not in answer["body"]
    assert body.closed == 1


def test_what_is_no_text_comes_in_base64_and_text_as_it_is() -> None:
    packed = gzip.compress(b"a,b\n", mtime=0)
    cases = [
        (("Content-Type", "text/css"), ("Content-Encoding", "gzip"), True),
        (("Content-Type", "application/octet-stream"), ("X-Any", ""), True),
    ]
    for *headers, binary in cases:
        assert answered(Body(packed), *headers)["isBase64Encoded"] is binary
    text = answered(Body("Andén,".encode()[:4], "Andén,".encode()[4:]), ("Content-Type", TEXT))
    assert (text["isBase64Encoded"], text["body"]) == (False, "Andén,")
    assert answered(Body(b"{}"), ("Content-Type", CONTENT_TYPE))["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("sent", "seen"),
    [({}, "JKJaXmPLvHcESHA"), ({"x-request-id": "mine"}, "mine"), ({"x-request-id": "no\nid"}, None)],
    ids=["none", "sound", "unsound"],
)
def test_a_request_without_an_id_has_the_gateways_which_its_access_log_has(
    sent: dict[str, str], seen: str | None
) -> None:
    found: list[str] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found.append(environ["HTTP_X_REQUEST_ID"])
        start_response("200 OK", [])
        return [b""]

    gateway_handler(application)(asked("/", headers=sent), None)
    assert found == [seen] if seen else found[0] not in {"no\nid", ""}
