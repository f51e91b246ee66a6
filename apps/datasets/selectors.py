"""The datasets, each with its current contract."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import connection, connections
from django.db.models import F

from apps.datasets.adapters.table.analyst_views import analyst_view
from apps.datasets.core.document.applied_dataset import (
    AppliedDataset,
    DatasetCatalogue,
    UnreadableDataset,
    dataset_read,
)
from apps.datasets.core.errors import ContractUnreadable, DatasetUnknown
from apps.datasets.models import ContractVersion, Dataset

RETRY_S: Final = 30.0
"""Seconds until an unreadable contract is read again: it may have been fixed in place."""

CACHE_SLACK: Final = 256
"""Versions that a process may cache beyond twice the number of datasets before it evicts dropped ones."""

# xmin also reveals a version that was replaced in place, by a restore for example.
_FINGERPRINT: Final = """
SELECT md5(string_agg(d.id || ':' || d.version || ':' || coalesce(v.xmin::text, ''), ',' ORDER BY d.id))
FROM datasets_dataset d LEFT JOIN datasets_contractversion v ON (v.dataset_id, v.version) = (d.id, d.version)
"""
_COLUMNS: Final = ("dataset_id", "version", "dataset__name", "document")


@dataclass(slots=True)
class _VersionCache:
    """The versions that this process has read, at most one per dataset; a version never changes."""

    read: dict[int, AppliedDataset] = field(default_factory=dict)
    unreadable: dict[int, tuple[UnreadableDataset, float]] = field(default_factory=dict)
    capacity: int = CACHE_SLACK

    def find(self, dataset_id: int, version: int) -> AppliedDataset | UnreadableDataset | None:
        """The cached version, if any."""
        known = self.read.get(dataset_id)
        if known is not None and known.version == version:
            return known
        failed, until_s = self.unreadable.get(dataset_id, (None, 0.0))
        return failed if failed is not None and failed.version == version and time.monotonic() < until_s else None

    def add(self, dataset_id: int, version: int, name: str, text: str) -> AppliedDataset | UnreadableDataset:
        """Read a version and cache it in place of an older one."""
        try:
            dataset = dataset_read(dataset_id, version, name, text, policy=settings.DATASETS.classification_policy)
        except ContractUnreadable as error:
            failed = UnreadableDataset(dataset_id, version, name, str(error))
            self.unreadable[dataset_id] = failed, time.monotonic() + RETRY_S
            return failed
        known = self.read.get(dataset_id)
        if known is None or known.version <= version:
            self.read[dataset_id] = dataset
            self.unreadable.pop(dataset_id, None)
        return dataset

    def keep(self, ids: Iterable[int]) -> None:
        """Evict every dataset except these."""
        current = set(ids)
        # Other threads may add entries meanwhile: those added between the copy and the assignment are read once more.
        self.read = {key: value for key, value in list(self.read.items()) if key in current}
        self.unreadable = {key: value for key, value in list(self.unreadable.items()) if key in current}
        self.capacity = 2 * len(current) + CACHE_SLACK


_versions: Final = _VersionCache()


def catalogue_read(*, using: str = "default") -> DatasetCatalogue:
    """All current datasets, by name: one query, and a second one for versions that are not cached."""
    current = list(Dataset.objects.using(using).values_list("id", "version").order_by("name"))
    _versions.keep(dataset_id for dataset_id, _ in current)
    found = {dataset_id: _versions.find(dataset_id, version) for dataset_id, version in current}
    unknown = [dataset_id for dataset_id, version in found.items() if version is None]
    if unknown:
        # A version applied meanwhile replaces the one that was looked up.
        versions = ContractVersion.objects.using(using).filter(version=F("dataset__version"), dataset_id__in=unknown)
        for row in versions.values_list(*_COLUMNS):
            found[row[0]] = _versions.add(*row)
        if lacking := [dataset_id for dataset_id in unknown if found[dataset_id] is None]:
            found |= {dataset.id: dataset for dataset in _without_version(lacking, using)}
    return DatasetCatalogue(
        tuple(one for one in found.values() if isinstance(one, AppliedDataset)),
        tuple(one for one in found.values() if isinstance(one, UnreadableDataset)),
    )


def catalogue_fingerprint(*, using: str = "default") -> str:
    """A text that changes whenever a dataset is applied or dropped; much cheaper than reading them all."""
    with connections[using].cursor() as cursor:
        cursor.execute(_FINGERPRINT)
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _without_version(ids: Sequence[int], using: str) -> list[UnreadableDataset]:
    """Those of these datasets whose current version is missing."""
    rows = Dataset.objects.using(using).filter(id__in=ids).exclude(versions__version=F("version"))
    return [
        UnreadableDataset(
            *(dataset_id, version, name),
            f"version {version} of the contract of {name!r} is missing: restore its row in datasets_contractversion",
        )
        for dataset_id, version, name in rows.values_list("id", "version", "name")
    ]


def dataset_list(*, using: str = "default") -> list[AppliedDataset]:
    """The datasets with readable contracts, by name; `catalogue_read` also has the others."""
    return list(catalogue_read(using=using).readable)


def dataset_get(name: str, *, using: str = "default") -> AppliedDataset:
    """The current dataset of this name.

    Raises DatasetUnknown. Raises ContractUnreadable.
    """
    found = Dataset.objects.using(using).filter(name=name).values_list("id", "version").first()
    if found is None:
        raise DatasetUnknown(f"no dataset {name!r}: apply its contract with `datasets apply`")
    return contract_version_get(*found, using=using)


def contract_version_get(dataset_id: int, version: int, *, using: str = "default") -> AppliedDataset:
    """One version of a dataset. Raises ContractVersion.DoesNotExist. Raises ContractUnreadable."""
    found = _versions.find(dataset_id, version)
    if found is None:
        rows = ContractVersion.objects.using(using).filter(dataset_id=dataset_id, version=version)
        row = rows.values_list(*_COLUMNS).first()
        if row is None:
            for dataset in _without_version([dataset_id], using):
                raise ContractUnreadable(dataset.reason)
            raise ContractVersion.DoesNotExist
        found = _versions.add(*row)
        if len(_versions.read) > _versions.capacity:
            _versions.keep(Dataset.objects.using(using).values_list("id", flat=True))
    if isinstance(found, UnreadableDataset):
        raise ContractUnreadable(found.reason)
    return found


def analyst_view_problems(dataset: AppliedDataset) -> list[str]:
    """Warnings, one line each, if analysts see too much or nothing of the dataset."""
    with connection.cursor() as cursor:
        view = analyst_view(cursor, dataset.name)
    if overexposed := view.overexposed(dataset.contract):
        return [f"analysts can still read {', '.join(overexposed)}: run `manage.py migrate`"]
    withheld = bool(dataset.contract.unrestricted) and not view.readable
    return ["analysts cannot read its view: run `manage.py migrate`"] if withheld else []
