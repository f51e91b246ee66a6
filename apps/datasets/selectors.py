"""Which datasets there are, each with its current contract."""

import json
from functools import lru_cache

from django.conf import settings
from django.db import connection

from apps.datasets.adapters.analyst_views import analyst_view
from apps.datasets.core.applied import AppliedDataset
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.core.odcs import contract_from_odcs
from apps.datasets.models import ContractVersion, Dataset


def dataset_get(name: str, *, using: str = "default") -> AppliedDataset:
    """The dataset of this name, as it stands now.

    Raises DatasetUnknown.
    """
    found = Dataset.objects.using(using).filter(name=name).values_list("id", "number").first()
    if found is None:
        raise DatasetUnknown(f"there is no dataset {name!r}: apply its contract with `datasets apply`")
    return applied(*found, using=using)


def dataset_list(*, using: str = "default") -> list[AppliedDataset]:
    """All datasets as they stand now, by name."""
    found = Dataset.objects.using(using).values_list("id", "number").order_by("name")
    return [applied(*item, using=using) for item in found]


@lru_cache(maxsize=2048)
def applied(dataset_id: int, number: int, *, using: str = "default") -> AppliedDataset:
    """One version of a dataset; a version never changes, so it is read and parsed once a process."""
    version = ContractVersion.objects.using(using).get(dataset_id=dataset_id, number=number)
    document = json.loads(version.document)
    contract = contract_from_odcs(document, standing=True, policy=settings.DATASETS.classification_policy)
    return AppliedDataset(dataset_id, number, contract, document)


def view_trouble(dataset: AppliedDataset) -> list[str]:
    """What analysts can read of the dataset and may not, as a line; none where all is well."""
    with connection.cursor() as cursor:
        surplus = analyst_view(cursor, dataset.name).surplus(dataset.contract)
    return [f"analysts still see {', '.join(surplus)}: run `manage.py migrate`"] if surplus else []
