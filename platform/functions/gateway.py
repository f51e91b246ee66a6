"""Events of an HTTP API (payload 2.0) to a WSGI application and its answers back, by apig-wsgi.

What apig-wsgi leaves open is settled here: paths that arrive decoded, answers that are too large for Lambda, and
bodies that break off. Nothing is sent until the function returns, so that each of these is still told as a problem.
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
"""Largest answer, as the JSON that Lambda sends on. Source: "Invocation payload", 6 MB, in Lambda's quotas."""
TOO_LARGE: Final = (
    "the answer is larger than this way in can carry: ask for fewer records or fields, or narrow the filters"
)

PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
NO_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class BoundedBody:
    """A body that ends with ResponseTooLarge where it can no longer fit, so that no more of it is made."""

    pieces: Iterable[bytes]

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self.pieces:
            size += len(piece)
            if size > LIMIT_BYTES:
                raise ResponseTooLarge(TOO_LARGE)
            yield piece

    def close(self) -> None:
        """End the body as WSGI asks for: connections are given back here."""
        close = getattr(self.pieces, "close", None)
        if close is not None:
            close()


def gateway_handler(application: WSGIApplication) -> Handler:
    """A handler of a function whose answers are the application's, or problems where those cannot be sent."""

    def bounded(environ: WSGIEnvironment, start_response: StartResponse) -> BoundedBody:
        return BoundedBody(application(environ, start_response))

    answered = make_lambda_handler(bounded)

    def handler(event: Event, context: Any) -> Event:
        asked = normalized_event(event)
        try:
            return _within_limit(answered(asked, context))
        except Exception as error:  # noqa: BLE001  whatever broke the body, the caller is told so and the log why
            return _problem(error, asked["headers"][HEADER.lower()])

    return handler


def normalized_event(event: Event) -> Event:
    """The event with its path as a URL has it, and an id of its request: the one that was sent, or the gateway's.

    An HTTP API decodes the path, and a function's URL does not: only what no URL may hold is written as %xx, which is
    right for both unless a name holds a percent sign, and no dataset's does.
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


def _within_limit(answer: Event) -> Event:
    """The answer. Raises ResponseTooLarge: as Lambda's runtime writes it, Lambda would refuse it."""
    if len(json.dumps(answer, ensure_ascii=False).encode()) > LIMIT_BYTES:
        raise ResponseTooLarge(TOO_LARGE)
    return answer


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
