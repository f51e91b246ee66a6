"""The caller of a request, its access to each dataset, and the queryset that every read starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.db.models import QuerySet

from apps.api.access.callers import GrantRow, key_row
from apps.api.access.keys import KeyText
from apps.api.access.visible_schema import VisibleSchema, visible_schema
from apps.api.errors import ActionForbidden, AuthenticationRequired, DatasetNotFound, DatasetUnreadable
from apps.datasets.core.contract.contract import DELETED, WriteMode
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.errors import ContractUnreadable, DatasetUnknown
from apps.datasets.models import ContractVersion
from apps.datasets.runtime_models import attribute, model_for
from apps.datasets.selectors import contract_version_get, dataset_get

PROBE: Final = "probe"
"""The name of the probe's client."""
Action = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class CallerGrant:
    """A grant as read with the key, with the dataset's contract version at that moment."""

    name: str
    dataset_id: int
    version: int
    actions: frozenset[Action]
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Caller:
    """A client with a valid key; `grants` is keyed by dataset name."""

    client_id: int
    name: str
    key_id: int
    last_used_on: object
    grants: Mapping[str, CallerGrant]

    @property
    def client_class(self) -> str:
        """The `client_class` metric label. Only two values, to bound cardinality."""
        return "probe" if self.name == PROBE else "third_party"


@dataclass(frozen=True, slots=True)
class AccessScope:
    """A dataset as one key can use it: reads, filters, orders and writes are limited to `schema`."""

    dataset: AppliedDataset
    schema: VisibleSchema
    actions: frozenset[Action]

    def require(self, action: Action) -> None:
        """Raise ActionForbidden unless the grant allows the action."""
        if action not in self.actions:
            raise ActionForbidden(f"this key may not {action} {self.dataset.name!r}")


def caller_of(key: KeyText) -> Caller:
    """The client that owns the key, with its grants and their contract versions, from one query.

    Nothing is cached, so a revoked key stops working immediately. Raises AuthenticationRequired.
    """
    row = key_row(key.public_id)
    matches = key.matches(row.secret_sha256 if row else None)
    if row is None or not matches or not row.active:
        raise AuthenticationRequired
    return Caller(
        client_id=row.client_id,
        name=row.client,
        key_id=row.key_id,
        last_used_on=row.last_used_on,
        grants={grant.dataset: _caller_grant(grant) for grant in row.grants},
    )


def _caller_grant(grant: GrantRow) -> CallerGrant:
    actions: dict[Action, bool] = {"read": grant.may_read, "write": grant.may_write}
    allowed = frozenset(action for action, may in actions.items() if may)
    return CallerGrant(grant.dataset, grant.dataset_id, grant.version, allowed, grant.columns)


def access_get(caller: Caller, name: str) -> AccessScope:
    """The caller's access to the dataset.

    Raises DatasetNotFound, also if the dataset exists but is not granted. Raises DatasetUnreadable.
    """
    grant = caller.grants.get(name)
    if grant is None:
        raise DatasetNotFound
    try:
        return _access(contract_version_get(grant.dataset_id, grant.version), grant)
    except ContractVersion.DoesNotExist:  # dropped since the key was read
        raise DatasetNotFound from None
    except ContractUnreadable as error:  # its message may name hidden fields: log only
        raise DatasetUnreadable from error


def access_refresh(caller: Caller, name: str) -> AccessScope:
    """The access at the current contract version, for use after PostgreSQL reported an undefined column or table.

    Raises DatasetNotFound: the dataset was dropped.
    """
    try:
        return _access(dataset_get(name), caller.grants[name])
    except DatasetUnknown:
        raise DatasetNotFound from None
    except ContractUnreadable as error:
        raise DatasetUnreadable from error


def access_list(caller: Caller) -> list[AccessScope | CallerGrant]:
    """Every dataset granted to the caller, by name; only the grant if the contract is unreadable."""
    return [_access_or_grant(caller, name) for name in sorted(caller.grants)]


def _access_or_grant(caller: Caller, name: str) -> AccessScope | CallerGrant:
    try:
        return access_get(caller, name)
    except DatasetUnreadable:
        return caller.grants[name]


def _access(dataset: AppliedDataset, grant: CallerGrant) -> AccessScope:
    return AccessScope(dataset, visible_schema(dataset.contract, grant.columns), grant.actions)


def visible_rows(access: AccessScope) -> QuerySet[Any]:
    """Rows visible to the access, on the read-only role, without tombstones.

    Every read starts here: item, list, filter, order and export. Raises ActionForbidden.
    """
    access.require("read")
    contract = access.dataset.contract
    rows: QuerySet[Any] = QuerySet(model_for(access.dataset)).using("reader")
    return rows.filter(**{attribute(contract, DELETED): False}) if contract.mode is WriteMode.UPSERT else rows
