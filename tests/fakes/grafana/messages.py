"""Requests and replies of the fake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next(iter(self.query.get(name, ())), default)

    @property
    def provenance(self) -> str:
        """The provenance that a write through the provisioning API sets."""
        return "" if "x-disable-provenance" in self.headers else "api"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class GrafanaRejection(Exception):
    """An error response with this status and message."""

    def __init__(self, code: int, message: str, /, **more: Any) -> None:
        self.reply = Reply(code, {"message": message, **more})
        super().__init__(message)


class ConnectionDropped(Exception):
    """The connection is closed without a response."""


def need(condition: object, code: int, message: str, /, **more: Any) -> None:
    """Raises GrafanaRejection: the condition is false."""
    if not condition:
        raise GrafanaRejection(code, message, **more)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one request: an error status, or a dropped connection.

    `applied`: the request took effect, and only the response is lost.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = False
    html: bool = False
