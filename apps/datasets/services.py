"""Applying and dropping contracts, as the owner role."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.db.utils import IntegrityError, InternalError

from apps.datasets.adapters.database.owner_transaction import ALIAS, owner_transaction
from apps.datasets.adapters.database.roles import role_name
from apps.datasets.adapters.table.analyst_views import analyst_view
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.applied_dataset import table_contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import (
    ChangeRefused,
    ContractInvalid,
    ContractProblem,
    ContractUnreadable,
    DatasetNotEmpty,
    DatasetUnknown,
    StoreUnavailable,
)
from apps.datasets.core.table.ddl import create_statements, dataset_table, drop_statements, view, withhold_view
from apps.datasets.core.table.evolution import change_statements, refusals
from apps.datasets.models import ContractVersion, Dataset
from apps.datasets.selectors import contract_version_get


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The result of an apply or a dry run: the version after it and the statements that lead there.

    An unchanged contract has statements if its analyst view had to be corrected, and is `restored` if the stored
    document had been altered; `before` is the previous contract, None for a new dataset.
    """

    contract: Contract
    version: int
    statements: tuple[str, ...]
    changed: bool
    before: Contract | None = None
    restored: bool = False

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.contract.name


@dataclass(frozen=True, slots=True)
class AnalystViewResult:
    """What was done to a dataset's analyst view; `reason` is why it could not be recreated.

    If `retryable`, the cause is temporary: try again.
    """

    name: str
    columns: tuple[str, ...]
    reason: str = ""
    retryable: bool = False


def dataset_apply(document: Mapping[str, Any], *, dry_run: bool = False) -> ApplyResult:
    """Make the dataset match the document; no-op if it already does.

    Raises ContractInvalid: the document violates a rule. Raises ChangeRefused: the existing table cannot be changed
    that way. Raises StoreUnavailable or StoreMisconfigured: nothing was changed.
    """
    text = _text(document)
    contract = contract_from_odcs(document, policy=settings.DATASETS.classification_policy)
    fingerprint = _fingerprint(document)
    with owner_transaction(contract.name) as cursor:
        dataset = Dataset.objects.using(ALIAS).filter(name=contract.name).first()
        if dataset is None:
            if dry_run:
                return ApplyResult(contract, 1, tuple(create_statements(contract, 0, _roles())), changed=True)
            dataset, before = Dataset(name=contract.name, version=0), None
            _save_version(dataset, contract, text, fingerprint)
            statements = create_statements(contract, dataset.pk, _roles())
            _execute(cursor, statements)
            return ApplyResult(contract, dataset.version, tuple(statements), changed=True)
        current = dataset.versions.using(ALIAS).filter(version=dataset.version).first()
        if current is None:
            rule = f"the current version {dataset.version} is not stored, so the table's contents are unknown"
            raise ChangeRefused([ContractProblem("$", rule, "restore its row in datasets_contractversion")])
        changed = current.fingerprint != fingerprint
        restored = not changed and _stored_fingerprint(current.document) != fingerprint
        try:
            before = _current_contract(dataset) if changed else contract
        except ContractUnreadable as error:
            raise ChangeRefused([ContractProblem("$", str(error))]) from error
        statements = _change(before, contract, dataset) if changed else _view_change(cursor, contract)
        version = dataset.version + changed
        if not dry_run:
            if changed:
                _save_version(dataset, contract, text, fingerprint)
            elif restored:
                current.document = text
                current.save(using=ALIAS, update_fields=["document"])
            _execute(cursor, statements)
    return ApplyResult(contract, version, tuple(statements), changed, before, restored=restored)


def analyst_views_ensure() -> Iterator[AnalystViewResult]:
    """Make each analyst view show what its contract allows, and yield those that did not.

    A view that cannot be recreated now is revoked from analysts until it can, without waiting. Raises StoreUnavailable
    or StoreMisconfigured: the database is not reachable.
    """
    for name in list(Dataset.objects.using(ALIAS).values_list("name", flat=True)):
        try:
            with owner_transaction(name) as cursor:
                dataset = Dataset.objects.using(ALIAS).filter(name=name).first()
                if dataset is None:
                    continue
                contract = contract_version_get(dataset.pk, dataset.version, using=ALIAS).contract
                statements = _view_change(cursor, contract)
                _execute(cursor, statements)
            if statements:
                yield AnalystViewResult(name, tuple(field.name for field in contract.unrestricted))
        except (ContractUnreadable, StoreUnavailable, InternalError) as error:
            _withhold(name)
            reason = str(error).splitlines()[0]
            yield AnalystViewResult(name, (), reason, retryable=isinstance(error, StoreUnavailable))


def dataset_drop(name: str, *, with_data: bool = False) -> None:
    """Drop the dataset with its table; its rows too if `with_data`.

    Raises DatasetUnknown. Raises DatasetNotEmpty: it has rows and `with_data` is false.
    """
    with owner_transaction(name) as cursor:
        dataset = Dataset.objects.using(ALIAS).filter(name=name).first()
        if dataset is None:
            raise DatasetUnknown(f"no dataset {name!r}")
        cursor.execute(f"SELECT EXISTS (SELECT FROM {dataset_table(name)})")  # noqa: S608  the name is quoted
        if cursor.fetchone()[0] and not with_data:
            raise DatasetNotEmpty(f"{name!r} contains rows: pass --yes to drop them with the dataset")
        _execute(cursor, drop_statements(name))
        dataset.delete(using=ALIAS)


def _roles() -> dict[str, str]:
    return {role: role_name(role) for role in ("ingest", "reader", "writer", "analyst")}


def _view_change(cursor: Any, contract: Contract) -> list[str]:
    """The statements that recreate the analyst view; empty if it is correct."""
    return [] if analyst_view(cursor, contract.name).matches(contract) else list(view(contract, _roles()))


def _withhold(name: str) -> None:
    with owner_transaction(name) as cursor:
        if analyst_view(cursor, name).readable:
            cursor.execute(withhold_view(name, _roles()))


def _text(document: object) -> str:
    """The document as stored. Raises ContractInvalid: it cannot be serialized as JSON."""
    try:
        text = json.dumps(document, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        problem = ContractProblem(
            "$", f"cannot be serialized as JSON: {error}", "use JSON types only, and less nesting"
        )
        raise ContractInvalid([problem]) from error
    return text


def _fingerprint(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _stored_fingerprint(text: str) -> str:
    """The fingerprint of a stored document; empty if it is no longer valid JSON."""
    try:
        return _fingerprint(json.loads(text))
    except (ValueError, RecursionError):
        return ""


def _current_contract(dataset: Dataset) -> Contract:
    """The current contract; if this version cannot read it, what its table contains. Raises ContractUnreadable."""
    try:
        return contract_version_get(dataset.pk, dataset.version, using=ALIAS).contract
    except ContractUnreadable:
        current = dataset.versions.using(ALIAS).get(version=dataset.version)
        return table_contract(dataset.name, dataset.version, current.document)


def _change(old: Contract, contract: Contract, dataset: Dataset) -> list[str]:
    problems = list(refusals(old, contract))
    if problems:
        raise ChangeRefused(problems)
    return change_statements(old, contract, dataset.pk, _roles())


def _save_version(dataset: Dataset, contract: Contract, text: str, fingerprint: str) -> None:
    dataset.version += 1
    dataset.event_time = contract.event_time or ""
    dataset.earliest, dataset.latest = contract.earliest, contract.latest
    dataset.updated_at = Now()
    dataset.save(using=ALIAS)
    ContractVersion.objects.using(ALIAS).create(
        dataset=dataset, version=dataset.version, document=text, fingerprint=fingerprint
    )


def _execute(cursor: Any, statements: list[str]) -> None:
    for statement in statements:
        try:
            cursor.execute(statement)
        except IntegrityError as error:
            rule = f"existing rows violate a rule: {str(error).splitlines()[0]}"
            raise ChangeRefused(
                [ContractProblem("$.schema[0].properties", rule, "fix the rows, or keep the old rule")]
            ) from error
