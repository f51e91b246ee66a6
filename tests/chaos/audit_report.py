"""What an audit found, by dataset. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.result import aligned

EXAMPLES: Final = 5
FAILURES: Final = (
    *("lost", "doubled", "invented", "changed", "misjudged", "wrong winners"),
    *("ledger", "position", "not as sent"),
)
"""What no record may be, and what the ledger and the positions may not have.

Lost: neither a row nor rejected. Doubled: more than once. Invented: stored, but not in the topic. Changed: with other
values than sent. Misjudged: a good record rejected, or a bad one stored. Not as sent: Kafka's log differs from what it
acknowledged.
"""


@dataclass(slots=True)
class DatasetAudit:
    """The counts of one dataset, and examples of each kind of failure."""

    dataset: str
    records: int = 0
    rows: int = 0
    rejects: int = 0
    dropped: int = 0
    accepted: int = 0
    suspected: int = 0
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAILURES, 0))
    examples: dict[str, list[str]] = field(default_factory=dict)

    def fail(self, kind: str, where: str, count: int = 1) -> None:
        """Count a failure."""
        self.failures[kind] += count
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(where)

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return any(self.failures.values())


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audits of all datasets."""

    datasets: Sequence[DatasetAudit]

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return any(one.failed for one in self.datasets)

    def total(self, kind: str) -> int:
        """Number of failures of this kind."""
        return sum(one.failures[kind] for one in self.datasets)

    @property
    def text(self) -> str:
        """A line per dataset and a total; then examples of what is wrong."""
        columns = ("records", "rows", "rejects", "dropped", "accepted", "suspected")
        head = ("dataset", *columns, *FAILURES)
        lines: list[tuple[str, ...]] = [head]
        for one in self.datasets:
            counts = [f"{getattr(one, name):,}" for name in columns]
            lines.append((one.dataset, *counts, *(f"{one.failures[kind]:,}" for kind in FAILURES)))
        totals = [f"{sum(getattr(one, name) for one in self.datasets):,}" for name in columns]
        lines.append(("all", *totals, *(f"{self.total(kind):,}" for kind in FAILURES)))
        return "\n".join([aligned(lines, left={0}), *self._wrong()])

    def _wrong(self) -> list[str]:
        return [
            f"{one.dataset}: {kind}: {where}"
            for one in self.datasets
            for kind, examples in one.examples.items()
            for where in examples
        ]
