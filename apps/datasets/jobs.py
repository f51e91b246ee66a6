"""Background jobs of datasets, with their arguments."""

from typing import Annotated

from msgspec import Meta, Struct

from apps.datasets.adapters.database.connections import connect
from apps.datasets.adapters.table.retention import purge_tombstones
from apps.datasets.core.contract.contract import WriteMode
from apps.datasets.selectors import dataset_list
from apps.jobs.core.kinds import job
from apps.jobs.core.run import JobRun


class TombstonePurge(Struct, frozen=True, forbid_unknown_fields=True):
    """Minimum age of the tombstones to delete, in days."""

    older_days: Annotated[int, Meta(ge=1)]


@job("datasets.purge_tombstones", TombstonePurge)
def tombstone_purge(arguments: TombstonePurge, run: JobRun) -> int:
    """Delete old tombstones from every upsert dataset, one dataset after the other; return the number of rows."""
    position = dict(run.checkpoint or {"dataset": 0, "rows": 0})  # earlier datasets are done
    upserts = sorted((one.id, one.contract.name) for one in dataset_list() if one.contract.mode is WriteMode.UPSERT)
    with connect("default", autocommit=True) as connection:
        for number, (dataset_id, name) in enumerate(upserts):
            if dataset_id <= position["dataset"]:
                continue

            def deleted(rows: int, done: int = number, name: str = name) -> None:
                position["rows"] += rows
                run.progress(done, len(upserts), name, dict(position))

            purge_tombstones(connection, dataset_id, older_days=arguments.older_days, deleted=deleted)
            position["dataset"] = dataset_id
            run.progress(number + 1, len(upserts), name, dict(position))
    return int(position["rows"])
