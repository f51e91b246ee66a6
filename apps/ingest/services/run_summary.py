"""The result of a worker's run."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class RunSummary:
    """The number of records, rows and rejects of a run, and the stopped datasets with their reasons."""

    records: int = 0
    rows: int = 0
    rejects: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
