"""The last rows of a dataset for a person: a few, by index, without restricted columns."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import Error
from django.db.models import Field as ModelField
from django.db.models import Func, QuerySet

from apps.datasets.core.contract.contract import DELETED, Contract, ContractField, WriteMode
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.errors import StoreUnavailable
from apps.datasets.runtime_models import attribute, model_for

MASK: Final = "•••••"
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class RowPreview:
    """Column names, and rows of values as text: None for NULL, MASK for restricted values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def last_rows(dataset: AppliedDataset, *, limit: int = 10) -> RowPreview:
    """The rows at the end of the primary key: the newest events if the dataset has an event time.

    Reads as the read-only role and does not select restricted columns. Raises StoreUnavailable: the rows cannot be
    read now.
    """
    contract = dataset.contract
    open_fields = contract.unrestricted
    rows: QuerySet[Any] = QuerySet(model_for(dataset)).using("reader")
    if contract.mode is WriteMode.UPSERT:
        rows = rows.filter(**{attribute(contract, DELETED): False})
    order = [f"-{attribute(contract, name)}" for name in contract.primary_key]
    wanted = [_wanted(contract, field) for field in open_fields]
    try:
        found = list(rows.order_by(*order).values_list(*wanted)[:limit]) if wanted else []
    except Error as error:
        raise StoreUnavailable from error
    names = [field.name for field in open_fields]
    return RowPreview(
        tuple(field.name for field in contract.fields),
        tuple(_row(dataset, dict(zip(names, row, strict=True))) for row in found),
    )


def _wanted(contract: Contract, field: ContractField) -> str | Func:
    """The column, or the start of a large value, whose nesting may exceed what Python can parse."""
    name = attribute(contract, field.name)
    if field.type.array:
        return name
    beginning = field.type.spec.beginning_sql.format("%(expressions)s", _LONGEST + 1)
    return Func(name, template=beginning, output_field=ModelField())


def _row(dataset: AppliedDataset, values: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(MASK if field.restricted else display_text(values[field.name]) for field in dataset.contract.fields)


def display_text(value: Any) -> str | None:
    """A value as a short text; None stays None."""
    if value is None:
        return None
    if isinstance(value, datetime.datetime):
        text = value.isoformat(" ", "seconds").replace("+00:00", "Z")
    elif isinstance(value, bytes | memoryview):
        text = bytes(value).hex(" ")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = ", ".join(str(display_text(item)) for item in value)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
