"""The struct with which msgspec decodes and checks a record of a contract."""

from collections.abc import Callable
from typing import Any

import msgspec

from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy
from apps.datasets.core.record.value_checks import annotation, is_number_text, nullable


def record_struct(contract: Contract) -> type[msgspec.Struct]:
    """The contract's fields in order."""
    return _struct(contract, [_member(field, annotation(field), nullable(field)) for field in contract.fields])


def bulk_struct(contract: Contract, absent: Callable[[], None], *, cut: bool = False) -> type[msgspec.Struct]:
    """The same for bulk decoding: `numeric` is JSON text, and `absent` is called for each absent field.

    `cut`: it cuts fractions of a second.
    """
    members = []
    for field in contract.fields:
        raw = is_number_text(field)
        kinds = (msgspec.Raw, msgspec.Raw) if raw else (annotation(field, cut=cut), nullable(field, cut=cut))
        members.append(_member(field, *kinds, default=msgspec.field(default_factory=absent)))
    return _struct(contract, members)


def _member(field: ContractField, required: Any, optional: Any, *, default: Any = None) -> tuple[Any, ...]:
    return (required,) if field.required else (optional, default)


def _struct(contract: Contract, members: list[tuple[Any, ...]]) -> type[msgspec.Struct]:
    names = {f"f{index}": field for index, field in enumerate(contract.fields)}
    # Fields keep the contract's order: kw_only allows required ones after optional ones.
    return msgspec.defstruct(
        "Record",
        [(name, *member) for name, member in zip(names, members, strict=True)],
        rename={name: field.name for name, field in names.items()},
        forbid_unknown_fields=contract.unknown_fields is UnknownFieldsPolicy.REJECT,
        kw_only=True,
        gc=False,
    )
