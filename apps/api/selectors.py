"""Who calls, what the key may do, and the one selector that every read goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet

from apps.api.core.errors import ActionRefused, DatasetHidden, KeyMissing
from apps.api.core.keys import KeyText
from apps.api.core.surface import Surface, surface_of
from apps.api.models import Key
from apps.datasets.core.applied import AppliedDataset
from apps.datasets.core.contract import DELETED, Mode
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.models import ContractVersion
from apps.datasets.runtime import attribute, model_for
from apps.datasets.selectors import applied, dataset_get

Action = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """One grant as it was read with the key, and the version of the dataset that stood at that moment."""

    dataset_id: int
    number: int
    actions: frozenset[Action]
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Caller:
    """A client with a valid key; `allowances` by the dataset's name."""

    client_id: int
    name: str
    key_id: int
    used_on: object
    allowances: Mapping[str, Allowance]


@dataclass(frozen=True, slots=True)
class Access:
    """A dataset as one key reaches it: nothing outside of `surface` may be read, filtered, ordered or written."""

    applied: AppliedDataset
    surface: Surface
    actions: frozenset[Action]

    def require(self, action: Action) -> None:
        """Raises ActionRefused unless the grant allows this."""
        if action not in self.actions:
            raise ActionRefused(f"this key may not {action} {self.applied.name!r}")


def caller_of(key: KeyText) -> Caller:
    """The client that this key belongs to, with its grants and their datasets' versions, in one query.

    Nothing is kept between requests, so a revoked key ends at once. Raises KeyMissing: unknown, wrong, revoked.
    """
    rows = list(
        Key.objects.filter(public_id=key.public_id).values_list(
            *("secret_sha256", "revoked_at", "client__revoked_at"),
            *("client_id", "client__name", "id", "last_used_on"),
            *("client__grants__dataset__name", "client__grants__dataset_id", "client__grants__dataset__number"),
            *("client__grants__may_read", "client__grants__may_write", "client__grants__columns"),
        )
    )
    matches = key.matches(rows[0][0] if rows else None)
    if not matches or not rows or any(rows[0][1:3]):
        raise KeyMissing
    client_id, name, key_id, used_on = rows[0][3:7]
    return Caller(
        client_id=client_id,
        name=name,
        key_id=key_id,
        used_on=used_on,
        allowances={row[7]: _allowance(*row[8:]) for row in rows if row[7] is not None},
    )


def _allowance(dataset_id: int, number: int, may_read: bool, may_write: bool, columns: Any) -> Allowance:
    actions: dict[Action, bool] = {"read": may_read, "write": may_write}
    return Allowance(
        dataset_id,
        number,
        frozenset(action for action, may in actions.items() if may),
        None if columns is None else tuple(columns),
    )


def access_of(caller: Caller, name: str) -> Access:
    """The dataset as the caller reaches it. Raises DatasetHidden: unknown and not granted look the same."""
    allowance = caller.allowances.get(name)
    if allowance is None:
        raise DatasetHidden
    try:
        return _access(applied(allowance.dataset_id, allowance.number), allowance)
    except ContractVersion.DoesNotExist:  # dropped since the key was read
        raise DatasetHidden from None


def access_again(caller: Caller, name: str) -> Access:
    """The same at the version that stands now, after PostgreSQL did not know a column or table any more.

    Raises DatasetHidden: the dataset is gone.
    """
    try:
        return _access(dataset_get(name), caller.allowances[name])
    except DatasetUnknown:
        raise DatasetHidden from None


def accesses(caller: Caller) -> list[Access]:
    """Every dataset that the caller reaches, by name."""
    return [access_of(caller, name) for name in sorted(caller.allowances)]


def _access(dataset: AppliedDataset, allowance: Allowance) -> Access:
    return Access(dataset, surface_of(dataset.contract, allowance.columns), allowance.actions)


def visible_rows(access: Access) -> QuerySet[Any]:
    """The rows that the access shows, on the role that can only read: deleted ones are not among them.

    The one way to rows: item, list, filter, order and export start here. Raises ActionRefused.
    """
    access.require("read")
    contract = access.applied.contract
    rows: QuerySet[Any] = QuerySet(model_for(access.applied)).using("reader")
    return rows.filter(**{attribute(contract, DELETED): False}) if contract.mode is Mode.UPSERT else rows
