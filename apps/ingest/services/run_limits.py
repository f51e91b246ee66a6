"""When a worker ends by itself."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RunLimits:
    """When a worker ends by itself; without bounds it never does, and waits for whatever is missing."""

    until_idle: bool = False
    max_records: int | None = None
    patience_s: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether it ends at all."""
        return self.until_idle or self.max_records is not None


UNLIMITED: Final = RunLimits()
