"""What the fake is asked and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

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
        """What a write through the provisioning API leaves on an object."""
        return "" if "x-disable-provenance" in self.headers else "api"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class GrafanaRejection(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, code: int, message: str, /, **more: Any) -> None:
        self.reply = Reply(code, {"message": message, **more})
        super().__init__(message)


class ConnectionDropped(Exception):
    """The connection ends without an answer."""


def need(condition: object, code: int, message: str, /, **more: Any) -> None:
    """Nothing. Raises GrafanaRejection: the condition does not hold."""
    if not condition:
        raise GrafanaRejection(code, message, **more)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at one request: a status instead of an answer, or a connection that ends.

    `applied`: the request took effect, and only the answer is lost.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = False
    html: bool = False
