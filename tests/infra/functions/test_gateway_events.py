"""A request that travels as an event arrives as it was sent, and so does its answer."""

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
# A gateway ends a path at a question mark, whichever way it was written; no dataset's name holds a percent sign.
PATH_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="?%"), max_size=20)
TOKENS = st.sampled_from(["if-match", "authorization", "accept", "x-any", "traceparent", "user-agent"])
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
COOKIES = st.dictionaries(st.sampled_from(["a", "b", "csrftoken"]), st.from_regex(r"[A-Za-z0-9.-]+", fullmatch=True))


@dataclass(frozen=True)
class RequestSample:
    """A request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    cookies: dict[str, str]
    kind: str
    body: bytes

    def environ(self) -> WSGIEnvironment:
        """The request as a WSGI server has it."""
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
    """An answer."""

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
    """The event as a function's URL hands it on, which leaves paths as they were sent."""
    return {**event, "rawPath": quote(event["rawPath"])}


@pytest.mark.property(14)
@pytest.mark.parametrize("paths", ["decoded", "as sent"])
def test_a_request_and_its_answer_are_the_same_by_wsgi_and_by_an_event(
    paths: str, evidence: Callable[[str], None]
) -> None:
    count = 0

    @given(sent=requests, answered=answers)
    def same(sent: RequestSample, answered: ResponseSample) -> None:
        nonlocal count
        count += 1
        found: list[dict[str, Any]] = []

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            found.append(seen(environ, environ["wsgi.input"].read()))
            own = [("content-type", answered.kind), *answered.headers.items()]
            start_response(f"{answered.status} Told", [*own, *(("Set-Cookie", value) for value in answered.cookies)])
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
    evidence(f"{count} generated requests are read alike from WSGI and from events, paths {paths}")


def test_the_gateways_own_words_decide_who_asks_and_how() -> None:
    """What a caller writes into X-Forwarded-For changes nothing of the address that is seen."""
    found: list[WSGIEnvironment] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found.append(environ)
        start_response("200 OK", [])
        return []

    sent = RequestSample("GET", "/", "", {"x-any": "a"}, {}, "", b"")
    gateway = Gateway(application)
    list(gateway({**sent.environ(), "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, lambda *_: None))  # type: ignore[arg-type]
    assert found[0]["REMOTE_ADDR"] == "192.0.2.7"


LOSSES: tuple[tuple[Callable[[Event], Event], str], ...] = (
    (lambda event: {**event, "rawQueryString": "a=2"}, "QUERY_STRING"),
    (lambda event: {**event, "rawPath": "/another"}, "PATH_INFO"),
    (lambda event: {**event, "body": event["body"].upper()}, "body"),
    (lambda event: {**event, "cookies": []}, "cookies"),
    (lambda event: {**event, "headers": {"host": "station.example"}}, "HTTP_IF_MATCH"),
)


@pytest.mark.parametrize(("loss", "told"), LOSSES, ids=[told for _, told in LOSSES])
def test_what_an_event_loses_of_a_request_is_noticed(loss: Callable[[Event], Event], told: str) -> None:
    sent = RequestSample("POST", "/one", "a=1", {"if-match": "1"}, {"a": "b"}, "application/json", b"{}x")

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return []

    list(Gateway(application)(sent.environ(), lambda *_: None))  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match=told):
        Gateway(application, loss)(sent.environ(), lambda *_: None)  # type: ignore[arg-type]


def test_what_an_event_loses_of_an_answer_is_noticed() -> None:
    """Two headers of one name: what Lambda hands on has room for one."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Vary", "Accept"), ("Vary", "Cookie")])
        return []

    with pytest.raises(AssertionError):
        Gateway(application)(RequestSample("GET", "/", "", {}, {}, "", b"").environ(), lambda *_: None)  # type: ignore[arg-type]
