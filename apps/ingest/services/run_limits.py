"""When a worker stops on its own."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RunLimits:
    """When a worker stops on its own. Without limits it never does, and waits for whatever is missing."""

    until_idle: bool = False
    max_records: int | None = None
    patience_s: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether the worker ever stops on its own."""
        return self.until_idle or self.max_records is not None


UNLIMITED: Final = RunLimits()
