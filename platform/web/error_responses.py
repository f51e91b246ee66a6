"""Error responses of the server itself: problem details with a request id."""

import uuid
from http import HTTPStatus

import msgspec

from apps.telemetry.request_ids import HEADER


def error_response(status: int, detail: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and body of an error response that closes the connection."""
    identifier = uuid.uuid4().hex
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "instance": f"urn:anden:request:{identifier}",
        }
    )
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        HEADER: identifier,
        "Connection": "close",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()], body
