"""An HTTP API of API Gateway before a function: requests become events of payload 2.0, and answers come back.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, and
captures of real events, by which the path arrives decoded and the query as it was sent.
"""

import base64
import itertools
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from functions.gateway import Event, Handler

# What the gateway hands on as text; every other body comes in base64.
TEXTS = ("text/", "application/json", "application/javascript", "application/xml")
LIMIT_BYTES = 6_291_556
"""The largest answer that Lambda takes from a function."""

EVENTS: Final = "events"
"""The property of a test that says how many events it sent, for the session's last lines."""


def event_of(environ: WSGIEnvironment) -> Event:
    """The event of the request, as its JSON says it."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        # WSGI says of these two that they are empty where they were not sent; an empty header of another name was.
        if name.startswith("HTTP_") or (name in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value)
    }
    # The path without the name of the host: WSGI has its bytes as latin-1.
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    cookies = headers.pop("cookie", "")
    scheme = environ["wsgi.url_scheme"]
    raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    event = {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": {"host": environ["SERVER_NAME"], **headers, "x-forwarded-proto": scheme, "x-forwarded-port": "443"},
        "requestContext": {
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": environ.get("REMOTE_ADDR", "192.0.2.1"),
            },
        },
        **_body(raw, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    handed: Event = json.loads(json.dumps(event))
    return handed


def _body(raw: bytes, content_type: str) -> dict[str, Any]:
    if not raw:
        return {"isBase64Encoded": False}
    try:
        if content_type.startswith(TEXTS):
            return {"isBase64Encoded": False, "body": raw.decode()}
    except UnicodeDecodeError:
        pass
    return {"isBase64Encoded": True, "body": base64.b64encode(raw).decode()}


class Gateway:
    """A WSGI application that knows the other one by events alone; counts them."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._numbers = itertools.count(1)
        self.events = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The body; whatever the function answers has been through JSON, as Lambda hands it on."""
        self.events = next(self._numbers)
        text = json.dumps(self._handler(event_of(environ), None), ensure_ascii=False)
        assert len(text.encode()) <= LIMIT_BYTES, "Lambda would refuse this answer"
        answer = json.loads(text)
        headers = [*answer["headers"].items(), *(("set-cookie", cookie) for cookie in answer["cookies"])]
        start_response(f"{answer['statusCode']} {HTTPStatus(answer['statusCode']).phrase}", headers)
        body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        bare = environ["REQUEST_METHOD"] == "HEAD" or answer["statusCode"] in {204, 304}
        return [b"" if bare else body]


class Http(Client):
    """Django's test client, its requests sent through this WSGI application where one is given."""

    def __init__(self, application: WSGIApplication | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(headers=headers)
        if application is not None:
            self.handler = _Sender(application)


class _Sender(ClientHandler):
    """Takes what the test client sends to the application, and makes Django's response of its answer."""

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
