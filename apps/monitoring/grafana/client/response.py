"""What Grafana said to one request."""

from dataclasses import dataclass
from typing import Any, Final

LONGEST_MESSAGE: Final = 300


@dataclass(frozen=True, slots=True)
class GrafanaResponse:
    """What Grafana said: the status, and the JSON of the body (None when it is empty)."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def is_locked(self) -> bool:
        """Whether only the way by which the object was made may change it, say a file: no matter of rights."""
        said = self.body.get("messageId") if isinstance(self.body, dict) else None
        return said == "alerting.notifications.invalidProvenance"

    @property
    def message(self) -> str:
        """Grafana's own words for why it did not."""
        said = self.body.get("message") or self.body.get("error") if isinstance(self.body, dict) else self.body
        return str(said or "no reason given")[:LONGEST_MESSAGE]
