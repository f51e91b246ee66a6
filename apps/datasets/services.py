"""Applying and dropping contracts, as the owner role."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now
from django.db.utils import IntegrityError

from apps.datasets.adapters.owner import ALIAS, owner_transaction
from apps.datasets.adapters.roles import role_name
from apps.datasets.core.contract import Contract
from apps.datasets.core.ddl import create_statements, drop_statements, table_sql
from apps.datasets.core.errors import ChangeRefused, ContractUnreadable, DatasetHoldsData, DatasetUnknown, Problem
from apps.datasets.core.evolution import change_statements, refusals
from apps.datasets.core.odcs import contract_from_odcs
from apps.datasets.models import ContractVersion, Dataset
from apps.datasets.selectors import applied


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did, or would do: the version that stands after it and the statements that lead there."""

    name: str
    number: int
    statements: tuple[str, ...]
    changed: bool


def dataset_apply(document: Mapping[str, Any], *, dry_run: bool = False) -> Applied:
    """Make the dataset what the document says; nothing happens when it is that already.

    Raises ContractInvalid: the document breaks a rule. Raises ChangeRefused: the table that stands cannot become
    it. Raises StoreUnavailable or StoreMisconfigured: nothing was changed.
    """
    contract = contract_from_odcs(document)
    text = json.dumps(document, ensure_ascii=False)
    fingerprint = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    with owner_transaction(contract.name) as cursor:
        dataset = Dataset.objects.using(ALIAS).filter(name=contract.name).first()
        if dataset is None:
            if dry_run:
                return Applied(contract.name, 1, tuple(create_statements(contract, 0, _roles())), changed=True)
            dataset = Dataset(name=contract.name, number=0)
            statements = None
        else:
            standing = dataset.versions.using(ALIAS).get(number=dataset.number)
            if standing.fingerprint == fingerprint:
                return Applied(contract.name, dataset.number, (), changed=False)
            statements = _change(contract, dataset)
            if dry_run:
                return Applied(contract.name, dataset.number + 1, tuple(statements), changed=True)
        _keep(dataset, contract, text, fingerprint)
        if statements is None:
            statements = create_statements(contract, dataset.pk, _roles())
        _execute(cursor, statements)
    return Applied(contract.name, dataset.number, tuple(statements), changed=True)


def dataset_drop(name: str, *, with_data: bool = False) -> None:
    """Remove the dataset with its table; its rows too when `with_data`.

    Raises DatasetUnknown. Raises DatasetHoldsData: it has rows and `with_data` is false.
    """
    with owner_transaction(name) as cursor:
        dataset = Dataset.objects.using(ALIAS).filter(name=name).first()
        if dataset is None:
            raise DatasetUnknown(f"there is no dataset {name!r}")
        contract = applied(dataset.pk, dataset.number, using=ALIAS).contract
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table_sql(contract)})")  # noqa: S608  the name is quoted
        if cursor.fetchone()[0] and not with_data:
            raise DatasetHoldsData(f"{name!r} holds rows: say --yes to drop them with the dataset")
        _execute(cursor, drop_statements(contract))
        dataset.delete(using=ALIAS)


def _roles() -> dict[str, str]:
    return {role: role_name(role) for role in ("ingest", "reader", "writer", "analyst")}


def _change(contract: Contract, dataset: Dataset) -> list[str]:
    try:
        old = applied(dataset.pk, dataset.number, using=ALIAS).contract
    except ContractUnreadable as error:
        raise ChangeRefused([Problem("$", str(error))]) from error
    problems = list(refusals(old, contract))
    if problems:
        raise ChangeRefused(problems)
    return change_statements(old, contract, dataset.pk, _roles())


def _keep(dataset: Dataset, contract: Contract, text: str, fingerprint: str) -> None:
    dataset.number += 1
    dataset.event_time = contract.event_time or ""
    dataset.earliest, dataset.latest = contract.earliest, contract.latest
    dataset.updated_at = Now()
    dataset.save(using=ALIAS)
    ContractVersion.objects.using(ALIAS).create(
        dataset=dataset, number=dataset.number, document=text, fingerprint=fingerprint
    )


def _execute(cursor: Any, statements: list[str]) -> None:
    for statement in statements:
        try:
            cursor.execute(statement)
        except IntegrityError as error:
            rule = f"the rows that stand break a rule: {str(error).splitlines()[0]}"
            raise ChangeRefused(
                [Problem("$.schema[0].properties", rule, "mend the rows, or keep the old rule")]
            ) from error
