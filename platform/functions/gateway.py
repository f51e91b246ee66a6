"""Passes HTTP API events (payload 2.0) to a WSGI application through apig-wsgi.

It adds what apig-wsgi lacks: paths that arrive decoded, responses that are too large for Lambda, and bodies that break
off. Nothing is sent until the function returns, so each failure can still become a problem response.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from apig_wsgi import make_lambda_handler

from apps.api.errors import ResponseTooLarge
from apps.api.problems import problem_response
from apps.telemetry.request_ids import HEADER, request_context, valid_request_id

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]

LIMIT_BYTES: Final = 6_000_000
"""Largest response, as the JSON that Lambda returns. Source: "Invocation payload", 6 MB, in Lambda's quotas."""
TOO_LARGE: Final = (
    "the response is larger than Lambda can return: request fewer records or fields, or narrow the filters"
)

PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
NO_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class BoundedBody:
    """A body that raises ResponseTooLarge as soon as it exceeds the limit."""

    pieces: Iterable[bytes]

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self.pieces:
            size += len(piece)
            if size > LIMIT_BYTES:
                raise ResponseTooLarge(TOO_LARGE)
            yield piece

    def close(self) -> None:
        """Close the body as WSGI requires; this releases connections."""
        close = getattr(self.pieces, "close", None)
        if close is not None:
            close()


def gateway_handler(application: WSGIApplication) -> Handler:
    """A Lambda handler that returns the application's responses, or problems if they cannot be sent."""

    def bounded(environ: WSGIEnvironment, start_response: StartResponse) -> BoundedBody:
        return BoundedBody(application(environ, start_response))

    respond = make_lambda_handler(bounded)

    def handler(event: Event, context: Any) -> Event:
        normalized = normalized_event(event)
        try:
            return _within_limit(respond(normalized, context))
        except Exception as error:  # noqa: BLE001 - any failure becomes a problem, and the log has the reason
            return _problem(error, normalized["headers"][HEADER.lower()])

    return handler


def normalized_event(event: Event) -> Event:
    """The event with its path percent-encoded and a request id: the client's, or else the gateway's.

    An HTTP API decodes the path, a function URL does not. Encoding only characters that a URL cannot contain is right
    for both, unless a name contains a percent sign, which no dataset's name does.
    """
    headers = dict(event["headers"])
    sent = headers.get(HEADER.lower()) or str(event["requestContext"].get("requestId", "")).rstrip("=")
    headers[HEADER.lower()] = valid_request_id(sent)
    path = NO_ESCAPE.sub("%25", event["rawPath"])
    return {
        **event,
        "headers": headers,
        "rawPath": quote(path, safe=PRINTABLE.replace("?", "").replace("#", "")),
        "rawQueryString": quote(event["rawQueryString"], safe=PRINTABLE),
    }


def _within_limit(response: Event) -> Event:
    """The response. Raises ResponseTooLarge: serialized by Lambda's runtime, it would exceed the limit."""
    if len(json.dumps(response, ensure_ascii=False).encode()) > LIMIT_BYTES:
        raise ResponseTooLarge(TOO_LARGE)
    return response


def _problem(error: Exception, identifier: str) -> Event:
    with request_context(identifier):
        response = problem_response(error)
    headers = {name.lower(): value for name, value in response.items()}
    return {
        "statusCode": response.status_code,
        "headers": {**headers, HEADER.lower(): identifier},
        "cookies": [],
        "isBase64Encoded": False,
        "body": response.content.decode(),
    }
