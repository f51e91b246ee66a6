"""The start page's data: each dataset's state and figures, and the totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.conf import settings

from apps.console.adapters import activity
from apps.console.core.dataset_state import DatasetState, DatasetStateInputs, dataset_state
from apps.datasets.core.document.applied_dataset import AppliedDataset, UnreadableDataset
from apps.datasets.selectors import catalogue_read

STEP_S: Final = 5
STEPS: Final = 60
"""The charts show the last five minutes in steps of five seconds; for history use Grafana."""
LAST_MINUTE: Final = 60 // STEP_S
"""Steps that the rate is averaged over."""


@dataclass(frozen=True)
class DatasetActivity:
    """One dataset's current state and figures.

    `estimated_rows` comes from PostgreSQL's statistics. `lag_records` is None without a recent measurement by the lag
    exporter. `open_rejects` is counted up to activity.MAX_COUNTED_REJECTS + 1.
    """

    dataset: AppliedDataset | UnreadableDataset
    state: DatasetState
    error: str
    rows: tuple[int, ...]
    rejects: tuple[int, ...]
    estimated_rows: int
    open_rejects: int
    fresh_s: float | None
    lag_records: int | None

    @property
    def note(self) -> str:
        """The error, else the dataset's description."""
        if self.error or isinstance(self.dataset, UnreadableDataset):
            return self.error
        return self.dataset.contract.description

    @property
    def rows_per_s(self) -> float:
        """Rows per second over the last minute."""
        return sum(self.rows[-LAST_MINUTE:]) / (LAST_MINUTE * STEP_S)


@dataclass(frozen=True)
class StationActivity:
    """All datasets, the most urgent first, and their totals."""

    datasets: tuple[DatasetActivity, ...]

    @cached_property
    def rows_per_s(self) -> float:
        """Rows per second of all datasets."""
        return sum(one.rows_per_s for one in self.datasets)

    @cached_property
    def estimated_rows(self) -> int:
        """Stored rows of all datasets, estimated."""
        return sum(one.estimated_rows for one in self.datasets)

    @cached_property
    def lag_records(self) -> int | None:
        """The lag of all datasets; None if none is known."""
        known = [one.lag_records for one in self.datasets if one.lag_records is not None]
        return sum(known) if known else None

    @cached_property
    def open_rejects(self) -> int:
        """Open quarantined records of all datasets."""
        return sum(one.open_rejects for one in self.datasets)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Rows of all datasets per step."""
        return _added(one.rows for one in self.datasets)

    @cached_property
    def rejects(self) -> tuple[int, ...]:
        """Rejects of all datasets per step."""
        return _added(one.rejects for one in self.datasets)

    @property
    def recent_rejects(self) -> int:
        """Rejects within the chart's window."""
        return sum(self.rejects)

    def count(self, state: DatasetState) -> int:
        """The number of datasets in this state."""
        return sum(one.state is state for one in self.datasets)


def station_activity() -> StationActivity:
    """All datasets' activity; the number of statements does not depend on the number of datasets."""
    found = catalogue_read()
    return StationActivity(tuple(sorted(datasets_activity([*found.readable, *found.unreadable]), key=_urgency)))


def datasets_activity(datasets: Sequence[AppliedDataset | UnreadableDataset]) -> list[DatasetActivity]:
    """These datasets' activity, in the same order."""
    ids = [dataset.id for dataset in datasets]
    series = activity.batch_series(ids, step_s=STEP_S, steps=STEPS)
    batches, positions = activity.last_batches(ids), activity.source_summaries(ids, max_lag_age_s=_max_lag_age_s())
    rejects, rows = activity.open_rejects(ids), activity.estimated_rows(ids)
    return [
        _activity(
            dataset,
            series=series[dataset.id],
            batch=batches.get(dataset.id),
            positions=positions.get(dataset.id, activity.SourceSummary()),
            open_rejects=rejects.get(dataset.id, 0),
            estimated_rows=rows.get(dataset.id, 0),
        )
        for dataset in datasets
    ]


def _activity(
    dataset: AppliedDataset | UnreadableDataset,
    *,
    series: activity.BatchSeries,
    batch: activity.LastBatch | None,
    positions: activity.SourceSummary,
    open_rejects: int,
    estimated_rows: int,
) -> DatasetActivity:
    ages = [age for age in (batch.age_s if batch else None, positions.moved_s) if age is not None]
    fresh_s = min(ages, default=None)
    unreadable = dataset.reason if isinstance(dataset, UnreadableDataset) else ""
    inputs = DatasetStateInputs(
        sources=positions.sources,
        assigned=positions.assigned,
        stopped=positions.stopped + bool(unreadable),
        active_last_minute=any(series.rows[-LAST_MINUTE:]),
        fresh_s=fresh_s,
        latency_s=None if isinstance(dataset, UnreadableDataset) else dataset.contract.latency_s,
    )
    return DatasetActivity(
        dataset=dataset,
        state=dataset_state(inputs),
        error=unreadable or positions.error,
        rows=series.rows,
        rejects=series.rejects,
        estimated_rows=estimated_rows,
        open_rejects=open_rejects,
        fresh_s=fresh_s,
        lag_records=positions.lag_records,
    )


def _max_lag_age_s() -> float:
    """The maximum age of a lag measurement: three rounds of the exporter, but at least a minute."""
    return max(60.0, 3.0 * settings.INGEST.lag_every_s)


def _urgency(one: DatasetActivity) -> tuple[DatasetState, str]:
    return one.state, one.dataset.name


def _added(columns: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*columns, strict=True))) or (0,) * STEPS
