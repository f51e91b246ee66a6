"""An API Gateway HTTP API in front of a function: converts requests to payload 2.0 events, and responses back.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, and
captured real events, in which the path is decoded and the query is as sent.
"""

import base64
import json
import string
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from functions.gateway import Event, gateway_handler

# The gateway passes these as text, and every other body in base64.
TEXTS = ("text/", "application/json", "application/javascript", "application/xml")
LIMIT_BYTES = 6_291_556
"""The largest response that Lambda accepts from a function."""


def event_of(environ: WSGIEnvironment) -> Event:
    """The request as an event, after a JSON round trip."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        # WSGI sets these two to "" if they were not sent; other headers are empty only if they were sent empty.
        if name.startswith("HTTP_") or (name in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value)
    }
    # WSGI has the path's bytes as latin-1.
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    cookies = headers.pop("cookie", "")
    scheme = environ["wsgi.url_scheme"]
    raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    event = {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace"),
        "headers": {"host": environ["SERVER_NAME"], **headers, "x-forwarded-proto": scheme, "x-forwarded-port": "443"},
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": environ["REMOTE_ADDR"],
            },
        },
        **_body(raw, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    copy: Event = json.loads(json.dumps(event))
    return copy


def _body(raw: bytes, content_type: str) -> dict[str, Any]:
    if not raw:
        return {"isBase64Encoded": False}
    try:
        if content_type.startswith(TEXTS):
            return {"isBase64Encoded": False, "body": raw.decode()}
    except UnicodeDecodeError:
        pass
    return {"isBase64Encoded": True, "body": base64.b64encode(raw).decode()}


ADDED_HEADERS: Final = {"X_FORWARDED_PROTO", "X_FORWARDED_PORT", "X_REQUEST_ID", "CONTENT_TYPE", "CONTENT_LENGTH"}
"""Headers that the gateway adds."""
COMPARED: Final = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "REMOTE_ADDR", "wsgi.url_scheme")


def seen(environ: WSGIEnvironment, body: bytes) -> dict[str, Any]:
    """The request as the application sees it, without what servers add."""
    cookies = sorted(filter(None, (cookie.strip() for cookie in environ.get("HTTP_COOKIE", "").split(";"))))
    own = {"HTTP_COOKIE", "HTTP_HOST", *(f"HTTP_{name}" for name in ADDED_HEADERS)}
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_") and name not in own}
    known = {name: environ.get(name, "") for name in COMPARED}
    known["QUERY_STRING"] = quote(known["QUERY_STRING"].encode("latin-1"), safe=string.printable)
    host = environ.get("HTTP_HOST") or environ["SERVER_NAME"]
    return {**known, **headers, "host": host, "cookies": cookies, "body": body}


@dataclass
class Exchange:
    """The request that the application behind the function received, and its complete response."""

    request: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    complete: bool = False
    """Whether the response was read completely; a too large one becomes a problem instead."""


class Gateway:
    """A WSGI application that calls another one through events.

    It fails if an event loses or changes anything: the inner application must receive each request as over WSGI, and
    its response must come back unchanged. So tests through the gateway also prove the WSGI application.
    """

    def __init__(self, application: WSGIApplication, change: Callable[[Event], Event] = lambda event: event) -> None:
        self._application = application
        self.change = change
        """Changes an event to imitate another trigger."""
        self._handler = gateway_handler(self._watched)
        self._exchange: ContextVar[Exchange] = ContextVar("exchange")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The body, after a JSON round trip as in Lambda."""
        environ = {"REMOTE_ADDR": "192.0.2.1", **environ}  # a test client may not set it
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        exchange = Exchange()
        self._exchange.set(exchange)
        event = self.change(event_of({**environ, "wsgi.input": BytesIO(sent)}))
        text = json.dumps(self._handler(event, None), ensure_ascii=False)
        assert len(text.encode()) <= LIMIT_BYTES, "Lambda would refuse this response"
        answer = json.loads(text)
        sent_request = seen(environ, sent)
        differing = {
            name: (sent_request.get(name), exchange.request.get(name))
            for name in sent_request.keys() | exchange.request.keys()
            if sent_request.get(name) != exchange.request.get(name)
        }
        assert differing == {}, f"sent and received differ: {differing}"
        headers = [*answer["headers"].items(), *(("set-cookie", cookie) for cookie in answer["cookies"])]
        body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        if exchange.complete:
            assert int(exchange.status.split()[0]) == answer["statusCode"]
            assert sorted((name.lower(), value) for name, value in exchange.headers) == sorted(headers)
            assert b"".join(exchange.pieces) == body
        start_response(f"{answer['statusCode']} {HTTPStatus(answer['statusCode']).phrase}", headers)
        bare = environ["REQUEST_METHOD"] == "HEAD" or answer["statusCode"] in {204, 304}
        return [b"" if bare else body]

    def _watched(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        """The application, with its exchange recorded."""
        exchange = self._exchange.get()
        body = environ["wsgi.input"].read()
        exchange.request = seen(environ, body)

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            exchange.status, exchange.headers = status, headers
            return start_response(status, headers, exc_info)

        answer = self._application({**environ, "wsgi.input": BytesIO(body)}, started)
        try:
            for piece in answer:
                exchange.pieces.append(piece)
                yield piece
            exchange.complete = True
        finally:
            getattr(answer, "close", lambda: None)()


class Http(Client):
    """Django's test client, sending its requests through a WSGI application if one is given."""

    def __init__(self, application: WSGIApplication | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(headers=headers)
        if application is not None:
            self.handler = _Sender(application)


class _Sender(ClientHandler):
    """Sends the test client's requests to the application, and converts its responses to Django's."""

    def __init__(self, application: WSGIApplication) -> None:
        super().__init__()
        self._application = application

    def __call__(self, environ: WSGIEnvironment) -> Any:
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.update(status=status, headers=headers)

        body = b"".join(self._application(environ, start_response))
        response: Any = HttpResponse(body, status=int(started["status"].split()[0]))
        del response["Content-Type"]
        for name, value in started["headers"]:
            if name.lower() == "set-cookie":
                response.cookies.load(value)
            else:
                response[name] = value
        response.wsgi_request = WSGIRequest(environ)
        return response
