"""What a run of the worker did."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class RunSummary:
    """What a run moved, and which datasets it had to stop for which reason."""

    records: int = 0
    rows: int = 0
    rejects: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
