"""Requests and responses are unchanged when sent as API Gateway events."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway import Event
from tests.gateway import Gateway, seen

KINDS = ("application/json", "text/csv; charset=utf-8", "application/octet-stream", "image/png")
# The gateway ends a path at a question mark, even if encoded; dataset names contain no percent sign.
PATH_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="?%"), max_size=20)
TOKENS = st.sampled_from(["if-match", "authorization", "accept", "x-any", "traceparent", "user-agent"])
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
COOKIES = st.dictionaries(st.sampled_from(["a", "b", "csrftoken"]), st.from_regex(r"[A-Za-z0-9.-]+", fullmatch=True))


@dataclass(frozen=True)
class RequestSample:
    """A generated request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    cookies: dict[str, str]
    kind: str
    body: bytes

    def environ(self) -> WSGIEnvironment:
        """The WSGI environ of the request."""
        cookie = {"HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "QUERY_STRING": self.query,
            "CONTENT_TYPE": self.kind,
            "CONTENT_LENGTH": str(len(self.body)),
            "SERVER_NAME": "station.example",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(self.body),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()},
            **(cookie if self.cookies else {}),
        }


@dataclass(frozen=True)
class ResponseSample:
    """A generated response."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    kind: str
    body: bytes


requests = st.builds(
    RequestSample,
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=PATH_TEXT.map(lambda text: f"/{text}"),
    query=st.one_of(
        st.lists(
            st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(codec="utf-8")))
        ).map(urlencode),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#")),
    ),
    headers=st.dictionaries(TOKENS, VALUES),
    cookies=COOKIES,
    kind=st.sampled_from(KINDS),
    body=st.one_of(st.binary(), st.text(st.characters(codec="utf-8")).map(str.encode)),
)
answers = st.builds(
    ResponseSample,
    status=st.sampled_from([200, 201, 400, 404, 409, 503]),
    headers=st.dictionaries(st.sampled_from(["etag", "link", "location", "x-request-id"]), VALUES),
    cookies=st.lists(VALUES.map(lambda value: f"a={value}; Path=/"), max_size=3),
    kind=st.sampled_from(KINDS[1:]),
    body=st.text(st.characters(codec="utf-8")).map(str.encode),
)


def encoded(event: Event) -> Event:
    """The event of a function URL, which does not decode paths."""
    return {**event, "rawPath": quote(event["rawPath"])}


@pytest.mark.property(14)
@pytest.mark.parametrize("paths", ["decoded", "as sent"])
def test_requests_and_responses_are_the_same_by_wsgi_and_by_event(paths: str, evidence: Callable[[str], None]) -> None:
    count = 0

    @given(sent=requests, answered=answers)
    def same(sent: RequestSample, answered: ResponseSample) -> None:
        nonlocal count
        count += 1
        found: list[dict[str, Any]] = []

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            found.append(seen(environ, environ["wsgi.input"].read()))
            own = [("content-type", answered.kind), *answered.headers.items()]
            start_response(f"{answered.status} Status", [*own, *(("Set-Cookie", value) for value in answered.cookies)])
            return [answered.body]

        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status[:3], sorted(headers)))

        gateway = Gateway(application, encoded) if paths == "as sent" else Gateway(application)
        body = b"".join(gateway(sent.environ(), start_response))
        assert found == [seen(sent.environ(), sent.body)]
        headers = {"content-type": answered.kind, **answered.headers}
        cookies = [("set-cookie", cookie) for cookie in answered.cookies]
        assert started == [(str(answered.status), sorted([*headers.items(), *cookies]))]
        assert body == answered.body

    same()
    evidence(f"{count} generated requests are the same by WSGI and by event, paths {paths}")


def test_the_gateways_source_ip_identifies_the_caller() -> None:
    """A caller cannot change its IP address with X-Forwarded-For."""
    found: list[WSGIEnvironment] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found.append(environ)
        start_response("200 OK", [])
        return []

    sent = RequestSample("GET", "/", "", {"x-any": "a"}, {}, "", b"")
    gateway = Gateway(application)
    list(gateway({**sent.environ(), "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, lambda *_: None))  # type: ignore[arg-type]
    assert found[0]["REMOTE_ADDR"] == "192.0.2.7"


CORRUPTIONS: tuple[tuple[Callable[[Event], Event], str], ...] = (
    (lambda event: {**event, "rawQueryString": "a=2"}, "QUERY_STRING"),
    (lambda event: {**event, "rawPath": "/another"}, "PATH_INFO"),
    (lambda event: {**event, "body": event["body"].upper()}, "body"),
    (lambda event: {**event, "cookies": []}, "cookies"),
    (lambda event: {**event, "headers": {"host": "station.example"}}, "HTTP_IF_MATCH"),
)


@pytest.mark.parametrize(("corrupt", "lost_field"), CORRUPTIONS, ids=[lost_field for _, lost_field in CORRUPTIONS])
def test_a_lost_part_of_a_request_is_detected(corrupt: Callable[[Event], Event], lost_field: str) -> None:
    sent = RequestSample("POST", "/one", "a=1", {"if-match": "1"}, {"a": "b"}, "application/json", b"{}x")

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return []

    list(Gateway(application)(sent.environ(), lambda *_: None))  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match=lost_field):
        Gateway(application, corrupt)(sent.environ(), lambda *_: None)  # type: ignore[arg-type]


def test_a_lost_part_of_a_response_is_detected() -> None:
    """Lambda responses hold only one header per name."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Vary", "Accept"), ("Vary", "Cookie")])
        return []

    with pytest.raises(AssertionError):
        Gateway(application)(RequestSample("GET", "/", "", {}, {}, "", b"").environ(), lambda *_: None)  # type: ignore[arg-type]
