"""Creates and drops the datasets of a measurement."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.selectors import catalogue_read, dataset_get
from apps.datasets.services import dataset_apply, dataset_drop


def recreated(document: Mapping[str, Any]) -> AppliedDataset:
    """The dataset of this contract without rows or positions."""
    name = document["schema"][0]["name"]
    dropped(name)
    dataset_apply(document)
    return dataset_get(name)


def all_dropped() -> None:
    """Drop every dataset."""
    dropped(*(dataset.name for dataset in catalogue_read(using="ingest").readable))


def dropped(*names: str) -> None:
    """Drop these datasets with their rows, where they exist."""
    for name in names:
        with suppress(DatasetUnknown):
            dataset_drop(name, with_data=True)
