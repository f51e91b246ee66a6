"""Who calls, what the key may do, and the one selector that every read goes through."""

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
    """One grant as it was read with the key, and the version of the dataset that stood at that moment."""

    name: str
    dataset_id: int
    number: int
    actions: frozenset[Action]
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Caller:
    """A client with a valid key; `grants` by the dataset's name."""

    client_id: int
    name: str
    key_id: int
    used_on: object
    grants: Mapping[str, CallerGrant]

    @property
    def client_class(self) -> str:
        """What kind of client this is: a metric's label, so there are only ever these two."""
        return "probe" if self.name == PROBE else "third_party"


@dataclass(frozen=True, slots=True)
class AccessScope:
    """A dataset as one key reaches it: nothing outside of `schema` may be read, filtered, ordered or written."""

    dataset: AppliedDataset
    schema: VisibleSchema
    actions: frozenset[Action]

    def require(self, action: Action) -> None:
        """Raises ActionForbidden unless the grant allows this."""
        if action not in self.actions:
            raise ActionForbidden(f"this key may not {action} {self.dataset.name!r}")


def caller_of(key: KeyText) -> Caller:
    """The client that this key belongs to, with its grants and their datasets' versions, in one query.

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
        used_on=row.used_on,
        grants={grant.dataset: _caller_grant(grant) for grant in row.grants},
    )


def _caller_grant(grant: GrantRow) -> CallerGrant:
    actions: dict[Action, bool] = {"read": grant.may_read, "write": grant.may_write}
    allowed = frozenset(action for action, may in actions.items() if may)
    return CallerGrant(grant.dataset, grant.dataset_id, grant.number, allowed, grant.columns)


def access_get(caller: Caller, name: str) -> AccessScope:
    """The dataset as the caller reaches it. Raises DatasetNotFound: unknown and not granted look the same.

    Raises DatasetUnreadable.
    """
    grant = caller.grants.get(name)
    if grant is None:
        raise DatasetNotFound
    try:
        return _access(contract_version_get(grant.dataset_id, grant.number), grant)
    except ContractVersion.DoesNotExist:  # dropped since the key was read
        raise DatasetNotFound from None
    except ContractUnreadable as error:  # what is wrong with it may name hidden fields: the log may say so
        raise DatasetUnreadable from error


def access_refresh(caller: Caller, name: str) -> AccessScope:
    """The same at the version that stands now, after PostgreSQL did not know a column or table any more.

    Raises DatasetNotFound: the dataset is gone.
    """
    try:
        return _access(dataset_get(name), caller.grants[name])
    except DatasetUnknown:
        raise DatasetNotFound from None
    except ContractUnreadable as error:
        raise DatasetUnreadable from error


def access_list(caller: Caller) -> list[AccessScope | CallerGrant]:
    """Every dataset that the caller reaches, by name; the bare grant where the contract cannot be read."""
    return [_access_or_grant(caller, name) for name in sorted(caller.grants)]


def _access_or_grant(caller: Caller, name: str) -> AccessScope | CallerGrant:
    try:
        return access_get(caller, name)
    except DatasetUnreadable:
        return caller.grants[name]


def _access(dataset: AppliedDataset, grant: CallerGrant) -> AccessScope:
    return AccessScope(dataset, visible_schema(dataset.contract, grant.columns), grant.actions)


def visible_rows(access: AccessScope) -> QuerySet[Any]:
    """The rows that the access shows, on the role that can only read: deleted ones are not among them.

    The one way to rows: item, list, filter, order and export start here. Raises ActionForbidden.
    """
    access.require("read")
    contract = access.dataset.contract
    rows: QuerySet[Any] = QuerySet(model_for(access.dataset)).using("reader")
    return rows.filter(**{attribute(contract, DELETED): False}) if contract.mode is WriteMode.UPSERT else rows
