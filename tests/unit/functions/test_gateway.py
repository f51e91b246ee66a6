"""The gateway handler: responses too large for Lambda, bodies that break off, binary bodies."""

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
    """A body that counts the chunks requested and the calls of `close`."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces = pieces
        self._error = error
        self.requested = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.requested += 1
            yield piece
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def invoke(body: Iterable[bytes], *headers: tuple[str, str], request: Event | None = None) -> Event:
    """The function's response if the application responds with this body and these headers."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return body

    answer: Event = json.loads(json.dumps(gateway_handler(application)(request or asked("/"), None)))
    return answer


def problem(answer: Event) -> dict[str, Any]:
    assert answer["headers"]["content-type"] == CONTENT_TYPE
    found: dict[str, Any] = json.loads(answer["body"])
    assert found["status"] == answer["statusCode"]
    return found


def test_a_response_too_large_for_lambda_becomes_a_problem_and_is_not_produced_completely() -> None:
    body = Body(*[PIECE] * 1000)
    found = problem(invoke(body, ("Content-Type", TEXT)))
    assert (found["status"], found["type"]) == (400, "/api/problems#response-too-large")
    assert "request fewer records or fields" in found["detail"]
    assert found["instance"] == "urn:anden:request:JKJaXmPLvHcESHA"
    assert body.requested == LIMIT_BYTES // len(PIECE) + 1
    assert body.closed == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [("image/png", b"\x00" * (LIMIT_BYTES * 3 // 4)), ("application/json", b'"' * (LIMIT_BYTES // 2))],
    ids=["base64", "quoted"],
)
def test_the_limit_applies_to_the_size_as_lambda_sends_it(kind: str, body: bytes) -> None:
    """Base64 adds a third, and each quote one byte."""
    large = Body(body)
    assert problem(invoke(large, ("Content-Type", kind)))["type"].endswith("#response-too-large")
    assert large.closed == 1
    smaller = invoke(Body(body[:-1000]), ("Content-Type", kind))
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
def test_a_body_that_breaks_off_becomes_a_problem_because_nothing_was_sent(
    error: Exception, status: int, slug: str
) -> None:
    body = Body(PIECE, error=error)
    answer = invoke(body, ("Content-Type", TEXT))
    found = problem(answer)
    assert (found["status"], found["type"]) == (status, f"/api/problems#{slug}")
    assert ("retry-after" in answer["headers"]) == (status == 503)
    assert "1234" not in answer["body"]
    assert body.closed == 1


def test_binary_bodies_are_base64_and_text_is_not() -> None:
    packed = gzip.compress(b"a,b\n", mtime=0)
    cases = [
        (("Content-Type", "text/css"), ("Content-Encoding", "gzip"), True),
        (("Content-Type", "application/octet-stream"), ("X-Any", ""), True),
    ]
    for *headers, binary in cases:
        assert invoke(Body(packed), *headers)["isBase64Encoded"] is binary
    text = invoke(Body("Andén,".encode()[:4], "Andén,".encode()[4:]), ("Content-Type", TEXT))
    assert (text["isBase64Encoded"], text["body"]) == (False, "Andén,")
    assert invoke(Body(b"{}"), ("Content-Type", CONTENT_TYPE))["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("sent", "expected"),
    [({}, "JKJaXmPLvHcESHA"), ({"x-request-id": "mine"}, "mine"), ({"x-request-id": "no\nid"}, None)],
    ids=["none", "valid", "invalid"],
)
def test_a_request_without_an_id_gets_the_one_of_the_gateways_access_log(
    sent: dict[str, str], expected: str | None
) -> None:
    found: list[str] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found.append(environ["HTTP_X_REQUEST_ID"])
        start_response("200 OK", [])
        return [b""]

    gateway_handler(application)(asked("/", headers=sent), None)
    assert found == [expected] if expected else found[0] not in {"no\nid", ""}
