"""What workers ask of the catalogue."""

from collections.abc import Callable, Collection, Sequence

from django.db import DatabaseError, InterfaceError, connections

from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.selectors import AppliedDataset, dataset_list
from apps.ingest.core.errors import StoreUnavailable

ALIAS = "ingest"


def catalogue(names: Collection[str] = ()) -> Callable[[], Sequence[AppliedDataset]]:
    """A function that lists the datasets as they stand when it is called: those of these names, or all.

    Both raise StoreUnavailable. Raises DatasetUnknown: one of the names stands for no dataset now.
    """

    def read() -> list[AppliedDataset]:
        connection = connections[ALIAS]
        try:
            connection.close_if_unusable_or_obsolete()
            found = dataset_list(using=ALIAS)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            raise StoreUnavailable(str(error).strip().splitlines()[0]) from error
        return [dataset for dataset in found if not names or dataset.name in names]

    missing = sorted(set(names) - {dataset.name for dataset in read()})
    if missing:
        raise DatasetUnknown(
            f"there is no dataset {', '.join(missing)}: apply its contract with `manage.py datasets apply`"
        )
    return read
