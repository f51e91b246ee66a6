"""What the server answers by itself: problem details, with an id as every answer has one."""

import uuid
from http import HTTPStatus

import msgspec

from apps.telemetry.request_ids import HEADER


def error_response(status: int, detail: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of an answer after which the connection ends."""
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
