"""The web server's HTTP/1.1: what it refuses, the order of responses, and request ids of its own responses."""

import re

import pytest

from tests.acceptance.web.raw_http import Closed, get, line, post

pytestmark = pytest.mark.acceptance

HOST = "Host: 127.0.0.1\r\n"
NEXT = "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = f"POST /healthz HTTP/1.1\r\n{HOST}"
AMBIGUOUS = {
    "length and chunks": f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "two equal lengths": f"{POST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": f"{POST}Content-Length: 0, 44\r\n\r\n",
    "a signed length": f"{POST}Content-Length: +5\r\n\r\n12345",
    "a negative length": f"{POST}Content-Length: -1\r\n\r\n",
    "a length of digits that ASCII lacks": f"{POST}Content-Length: \xb2\r\n\r\n12",
    "a length with an underscore": f"{POST}Content-Length: 1_0\r\n\r\n1234567890",
    "a length in hexadecimal": f"{POST}Content-Length: 0x5\r\n\r\n12345",
    "a length of 5,000 digits": f"{POST}Content-Length: {'9' * 5_000}\r\n\r\n12345",
    "a length of 5,000 zeros": f"{POST}Content-Length: {'0' * 5_000}\r\n\r\n12345",
    "no length after its colon": f"{POST}Content-Length: \r\n\r\n",
    "an unknown coding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked with a tab within": f"{POST}Transfer-Encoding: chun\tked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": f"POST /healthz HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": f"{POST}Content-Length : 5\r\n\r\n12345",
    "a folded header": f"{POST}X-A: b\r\n Content-Length: 5\r\n\r\n12345",
    "a bare line feed": "GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
    "a bare line feed in the header": f"GET /healthz HTTP/1.1\r\n{HOST}X-A: b\nContent-Length: 5\r\n\r\n12345",
    "a bare carriage return": f"GET /healthz HTTP/1.1\r\n{HOST}X-A: b\rContent-Length: 5\r\n\r\n12345",
    "a zero byte in a value": f"GET /healthz HTTP/1.1\r\n{HOST}X-A: b\0\r\n\r\n",
    "two hosts": f"GET /healthz HTTP/1.1\r\n{HOST}Host: other\r\n\r\n",
    "no method": f" /healthz HTTP/1.1\r\n{HOST}\r\n",
    "another version": f"GET /healthz HTTP/9.9\r\n{HOST}\r\n",
    "two empty lines first": "\r\n\r\n",
    "a TLS hello": "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\n",
    "HTTP/2 without an upgrade": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a proxy's line": "PROXY TCP4 10.0.0.1 10.0.0.2 4711 80\r\n",
    "a carriage return in the target": f"GET /heal\rthz HTTP/1.1\r\n{HOST}\r\n",
    "a forbidden trailer": f"{POST}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
    "two schemes": f"GET /healthz HTTP/1.1\r\n{HOST}X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n",
    "a space before a chunk's end": f"{POST}Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
    "a chunk whose size is not a number": f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a chunk with a signed size": f"{POST}Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
    "a chunk with a size of 5,000 digits": f"{POST}Transfer-Encoding: chunked\r\n\r\n{'0' * 5_000}\r\n",
    "a chunk longer than its size": f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in AMBIGUOUS.items()])
def test_an_ambiguous_request_is_refused_and_the_rest_is_not_read(url: str, text: str) -> None:
    with line(url) as connection:
        refused = connection.ask(text + NEXT)
        assert refused.status in {400, 501}
        identifier = refused.headers["x-request-id"]
        assert refused.problem["instance"] == f"urn:anden:request:{identifier}"
        assert re.fullmatch("[0-9a-f]{32}", identifier)
        with pytest.raises(Closed):
            connection.answer()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (get("/" + "a" * 8_200), 414),
        (get("/healthz", "X-A: " + "a" * 8_200), 431),
        (get("/healthz", *(f"X-{number}: a" for number in range(101))), 431),
    ],
)
def test_a_request_that_is_too_long_is_refused_with_an_id(url: str, text: str, status: int) -> None:
    with line(url) as connection:
        refused = connection.ask(text)
    assert refused.status == status
    assert refused.problem["status"] == status
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize("start", ["OPTIONS *", "CONNECT 10.0.0.1:22", "CONNECT /healthz"])
def test_proxy_requests_are_refused(url: str, start: str) -> None:
    with line(url) as connection:
        refused = connection.ask(get("/").replace("GET /", start, 1) + NEXT)
        assert (refused.status, refused.problem["status"]) == (501, 501)
        with pytest.raises(Closed):
            connection.answer()


def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    half, rest = get("/third")[:20], get("/third")[20:]
    with line(url) as connection:
        connection.send(get("/healthz") + get("/second", "X-Request-ID: two") + half)
        assert connection.answer().status == 200
        second = connection.answer()
        assert (second.status, second.headers["x-request-id"]) == (404, "two")
        assert connection.ask(rest).status == 404


def test_a_body_is_not_read_as_the_next_request(url: str) -> None:
    body = get("/smuggled")
    with line(url) as connection:
        connection.send(post("/first", body, f"Content-Length: {len(body)}") + get("/healthz"))
        assert connection.answer().status in {403, 404}
        assert connection.answer().status == 200


def test_an_http_1_0_connection_closes_after_the_response_unless_keep_alive_is_requested(url: str) -> None:
    with line(url) as connection:
        assert connection.ask(get("/healthz", version="1.0")).status == 200
        with pytest.raises(Closed):
            connection.answer()
    with line(url) as connection:
        for _ in range(2):
            kept = connection.ask(get("/healthz", "Connection: keep-alive", version="1.0"))
            assert kept.headers["content-length"]


def test_head_returns_the_headers_of_get_without_a_body(url: str) -> None:
    with line(url) as connection:
        full = connection.ask(get("/api/openapi.json"))
        connection.send(get("/api/openapi.json").replace("GET", "HEAD", 1))
        head = connection.answer(to_head=True)
        assert head.status == 200
        assert head.headers["content-length"] == str(len(full.body))
        assert connection.ask(get("/healthz")).status == 200


def test_a_client_that_expects_100_continue_gets_it(url: str) -> None:
    with line(url) as connection:
        first = connection.ask(post("/nowhere", "", "Content-Length: 2", "Expect: 100-continue"))
        assert (first.status, first.body) == (100, b"")
        assert connection.ask("{}").status in {403, 404}


@pytest.mark.parametrize(
    ("target", "status"),
    [("http://127.0.0.1/healthz", 200), ("/%68ealthz", 200), ("/healthz?a=%FF", 200), ("/healthz/", 404)],
)
def test_equivalent_forms_of_a_target(url: str, target: str, status: int) -> None:
    with line(url) as connection:
        assert connection.ask(get(target)).status == status


def test_a_protocol_upgrade_is_ignored(url: str) -> None:
    websocket = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
    for lines in (websocket, ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")):
        with line(url) as connection:
            assert connection.ask(get("/healthz", *lines)).status == 200
