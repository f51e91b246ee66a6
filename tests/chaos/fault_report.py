"""The figures of each kind of fault: how soon records flow again, and what the neighbours notice. Pure."""

import statistics
from collections import defaultdict
from collections.abc import Collection, Sequence

from bench.result import aligned
from tests.chaos.campaign import FaultRecord
from tests.chaos.flow import BEFORE_S, Sample, again_s, longest_pause_s, moved, rate

HEAD = (
    *("fault", "count", "proven"),
    *("pause of neighbours", "worst"),
    *("dataset again after", "worst"),
    *("neighbours' rate", "worst"),
)


class FaultFigures:
    """The figures of one kind of fault; None where records did not flow again."""

    def __init__(self) -> None:
        self.count = self.proven = 0
        self.pauses_s: list[float] = []
        self.again_s: list[float] = []
        self.ratios: list[float] = []

    def cells(self, name: str) -> tuple[str, ...]:
        """The row of the table."""
        return (
            name,
            str(self.count),
            str(self.proven),
            *_median_and_worst(self.pauses_s, max, "{:.1f} s"),
            *_median_and_worst(self.again_s, max, "{:.1f} s"),
            *_median_and_worst(self.ratios, min, "{:.2f}"),
        )


def _median_and_worst(figures: Sequence[float], worst: object, form: str) -> tuple[str, str]:
    if not figures or not callable(worst):
        return "–", "–"
    return form.format(statistics.median(figures)), form.format(worst(figures))


def fault_figures(records: Sequence[FaultRecord], samples: Sequence[Sample]) -> dict[str, FaultFigures]:
    """The figures by kind of fault.

    Neighbours are all datasets but the one hit; faults that hit all have none, so that their figures are of all. The
    figures of neighbours are those of moments without a fault that hits all.
    """
    found: dict[str, FaultFigures] = defaultdict(FaultFigures)
    names = {name for sample in samples for name in sample.positions}
    everywhere = [record for record in records if not record.dataset]
    of_all = moved(samples, None)
    for record in records:
        figures = found[record.name]
        figures.count += 1
        figures.proven += record.proven
        if not record.dataset:
            _append(figures.pauses_s, longest_pause_s(of_all, record.began_s, record.ended_s))
            _append(figures.again_s, again_s(of_all, record.ended_s))
            continue
        _append(figures.again_s, again_s(moved(samples, {record.dataset}), record.ended_s))
        if not _overlaps(record, everywhere):
            neighbours = moved(samples, names - {record.dataset})
            _append(figures.pauses_s, longest_pause_s(neighbours, record.began_s, record.ended_s))
            before = rate(neighbours, record.began_s - BEFORE_S, record.began_s)
            if before:
                figures.ratios.append(rate(neighbours, record.began_s, record.ended_s) / before)
    return found


def fault_table(figures: dict[str, FaultFigures]) -> str:
    """The figures as an aligned table, by name."""
    rows = [HEAD, *(one.cells(name) for name, one in sorted(figures.items()))]
    return aligned(rows, left={0})


def _append(figures: list[float], figure: float | None) -> None:
    if figure is not None:
        figures.append(figure)


def _overlaps(record: FaultRecord, others: Collection[FaultRecord]) -> bool:
    """Whether one of the others happened in the seconds before this one or during it."""
    return any(one.began_s < record.ended_s and record.began_s - BEFORE_S < one.ended_s for one in others)
