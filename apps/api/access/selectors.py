"""Who calls, what the key may do, and the one selector that every read goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.db.models import QuerySet

from apps.api.access.callers import GrantRow, key_row
from apps.api.access.keys import KeyText
from apps.api.access.surface import Surface, surface_of
from apps.api.errors import ActionRefused, DatasetHidden, DatasetUnreadable, KeyMissing
from apps.datasets.core.contract.contract import DELETED, Mode
from apps.datasets.core.document.applied import AppliedDataset
from apps.datasets.core.errors import ContractUnreadable, DatasetUnknown
from apps.datasets.models import ContractVersion
from apps.datasets.runtime_models import attribute, model_for
from apps.datasets.selectors import applied, dataset_get

PROBE: Final = "probe"
"""The name of the probe's client."""
Action = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """One grant as it was read with the key, and the version of the dataset that stood at that moment."""

    name: str
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

    @property
    def client_class(self) -> str:
        """What kind of client this is: a metric's label, so there are only ever these two."""
        return "probe" if self.name == PROBE else "third_party"


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
    row = key_row(key.public_id)
    matches = key.matches(row.secret_sha256 if row else None)
    if row is None or not matches or not row.active:
        raise KeyMissing
    return Caller(
        client_id=row.client_id,
        name=row.client,
        key_id=row.key_id,
        used_on=row.used_on,
        allowances={grant.dataset: _allowance(grant) for grant in row.grants},
    )


def _allowance(grant: GrantRow) -> Allowance:
    actions: dict[Action, bool] = {"read": grant.may_read, "write": grant.may_write}
    allowed = frozenset(action for action, may in actions.items() if may)
    return Allowance(grant.dataset, grant.dataset_id, grant.number, allowed, grant.columns)


def access_of(caller: Caller, name: str) -> Access:
    """The dataset as the caller reaches it. Raises DatasetHidden: unknown and not granted look the same.

    Raises DatasetUnreadable.
    """
    allowance = caller.allowances.get(name)
    if allowance is None:
        raise DatasetHidden
    try:
        return _access(applied(allowance.dataset_id, allowance.number), allowance)
    except ContractVersion.DoesNotExist:  # dropped since the key was read
        raise DatasetHidden from None
    except ContractUnreadable as error:  # what is wrong with it may name hidden fields: the log may say so
        raise DatasetUnreadable from error


def access_again(caller: Caller, name: str) -> Access:
    """The same at the version that stands now, after PostgreSQL did not know a column or table any more.

    Raises DatasetHidden: the dataset is gone.
    """
    try:
        return _access(dataset_get(name), caller.allowances[name])
    except DatasetUnknown:
        raise DatasetHidden from None
    except ContractUnreadable as error:
        raise DatasetUnreadable from error


def accesses(caller: Caller) -> list[Access | Allowance]:
    """Every dataset that the caller reaches, by name; the bare allowance where the contract cannot be read."""
    return [_access_or_allowance(caller, name) for name in sorted(caller.allowances)]


def _access_or_allowance(caller: Caller, name: str) -> Access | Allowance:
    try:
        return access_of(caller, name)
    except DatasetUnreadable:
        return caller.allowances[name]


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
