"""Creating and revoking clients."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from apps.api.access.keys import KeyText, new_key
from apps.api.access.visible_schema import visible_schema
from apps.api.errors import ClientInvalid
from apps.api.models import Client, Grant, Key
from apps.datasets.core.contract.contract import EXTRA, Contract, UnknownFieldsPolicy
from apps.datasets.core.errors import ContractUnreadable, DatasetUnknown
from apps.datasets.selectors import dataset_get


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """A grant to create. `columns` None means every unrestricted field."""

    dataset: str
    may_read: bool = True
    may_write: bool = False
    columns: tuple[str, ...] | None = None


@transaction.atomic
def client_create(name: str, grants: Sequence[GrantRequest]) -> tuple[Client, KeyText]:
    """The new client and its key; the secret is not stored.

    Raises ClientInvalid: the name is taken, or a grant does not match its dataset.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ClientInvalid("a client name must have 1 to 100 printable characters")
    client, created = Client.objects.get_or_create(name=name)
    if not created:
        state = "revoked" if client.revoked_at else "active"
        raise ClientInvalid(f"client {name!r} already exists ({state}): choose another name")
    if len({grant.dataset for grant in grants}) < len(grants):
        raise ClientInvalid("a dataset is granted twice: combine its actions, for example flights:read,write")
    Grant.objects.bulk_create([_grant(client, request) for request in grants])
    return client, key_create(client)


def key_create(client: Client) -> KeyText:
    """An additional key for the client."""
    key = new_key()
    Key.objects.create(client=client, public_id=key.public_id, secret_sha256=key.sha256)
    return key


def client_revoke(name: str) -> Client:
    """The revoked client; its keys are refused from now on. Raises ClientInvalid: unknown or already revoked."""
    client = Client.objects.filter(name=name).first()
    if client is None:
        raise ClientInvalid(f"client {name!r} does not exist: run `manage.py clients list`")
    if client.revoked_at is not None:
        raise ClientInvalid(f"client {name!r} was already revoked on {client.revoked_at:%Y-%m-%d %H:%M} UTC")
    Client.objects.filter(pk=client.pk).update(revoked_at=Now())
    client.refresh_from_db()
    return client


def _grant(client: Client, request: GrantRequest) -> Grant:
    try:
        dataset = dataset_get(request.dataset)
    except DatasetUnknown:
        raise ClientInvalid(f"dataset {request.dataset!r} does not exist: run `manage.py datasets list`") from None
    except ContractUnreadable as error:
        raise ClientInvalid(str(error)) from error
    _check_columns(dataset.contract, request)
    return Grant(
        client=client,
        dataset_id=dataset.id,
        may_read=request.may_read,
        may_write=request.may_write,
        columns=None if request.columns is None else list(request.columns),
    )


def _check_columns(contract: Contract, request: GrantRequest) -> None:
    columns = request.columns or ()
    extra = {EXTRA} if contract.unknown_fields is UnknownFieldsPolicy.KEEP else set()
    unknown = [name for name in columns if name not in {field.name for field in contract.fields} | extra]
    if unknown:
        raise ClientInvalid.unknown_columns(contract.name, unknown)
    if not request.may_write:
        return
    if not contract.api_writes:
        raise ClientInvalid(f"{contract.name} does not accept writes over HTTP: set apiWrites in its contract")
    shown = visible_schema(contract, request.columns).names
    hidden = [field.name for field in contract.fields if field.required and field.name not in shown]
    if hidden:
        raise ClientInvalid(
            f"writes to {contract.name} require {', '.join(map(repr, hidden))}, which the grant hides: "
            "add them to --columns"
        )
