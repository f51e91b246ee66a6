"""Status lines, including errors that the web server itself returns."""

import socket
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest

from apps.api.clients.services import GrantRequest, client_create
from tests.integration.api.conftest import CONTRACTS
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PATH = "/api/v1/datasets/persons/records"


def status_line_of(url: str, request: bytes) -> str:
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=30) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline().decode()


def status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


def test_every_status_has_its_standard_phrase(station: Station, url: str) -> None:
    station.apply(CONTRACTS / "persons.yaml")
    _, key = client_create("status lines", [GrantRequest("persons", may_write=True)])
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    body = '{"person_id":"0e1f4d6a-27b5-4c0c-8d1e-6f6f5f0f3c11","given_name":"A","family_name":"B"}'
    sized = f"{head}Content-Length: {len(body)}\r\n"
    stale = f"POST {PATH} HTTP/1.1\r\n{sized}If-Match: *\r\n\r\n{body}"
    assert status_line_of(url, stale.encode()) == status_line(412)
    assert status_line_of(url, f"POST {PATH} HTTP/1.1\r\n{sized}\r\n{body}".encode()) == status_line(201)
    assert status_line_of(url, f"POST {PATH} HTTP/1.1\r\n{sized}\r\n{body}".encode()) == status_line(409)


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "gzip\r\nTransfer-Encoding: chunked"])
def test_an_unsupported_transfer_coding_returns_501(url: str, coding: str) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: {coding}"
    assert status_line_of(url, f"{head}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n".encode()) == status_line(501)
