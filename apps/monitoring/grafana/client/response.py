"""Grafana's response to one request."""

from dataclasses import dataclass
from typing import Any, Final

LONGEST_MESSAGE: Final = 300


@dataclass(frozen=True, slots=True)
class GrafanaResponse:
    """Status and JSON body of a response; the body is None if it is empty."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.status < 300

    @property
    def is_locked(self) -> bool:
        """Whether the object's provenance locks it, say because a file provisioned it: not a permission problem."""
        message_id = self.body.get("messageId") if isinstance(self.body, dict) else None
        return message_id == "alerting.notifications.invalidProvenance"

    @property
    def message(self) -> str:
        """Grafana's error message."""
        text = self.body.get("message") or self.body.get("error") if isinstance(self.body, dict) else self.body
        return str(text or "no reason given")[:LONGEST_MESSAGE]
