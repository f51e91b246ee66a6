"""A contract: what records look like and how they are kept. Built by `odcs.contract_from_odcs`."""

import dataclasses
import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from apps.datasets.core.column_types.checks import NO_CHECKS, FieldChecks
from apps.datasets.core.column_types.types import ColumnType
from apps.datasets.core.contract.classification import Restriction


class WriteMode(StrEnum):
    """How records become rows."""

    APPEND = "append"
    UPSERT = "upsert"


class UnknownFieldsPolicy(StrEnum):
    """What happens to fields that the contract does not name."""

    REJECT = "reject"
    KEEP = "keep"
    IGNORE = "ignore"


class LatePolicy(StrEnum):
    """What happens to events outside of the contract's months."""

    QUARANTINE = "quarantine"
    DROP = "drop"


SOURCE: Final = "_source"
OFFSET: Final = "_offset"
BATCH: Final = "_batch"
AT: Final = "_at"
REV: Final = "_rev"
DELETED: Final = "_deleted"
EXTRA: Final = "_extra"


@dataclass(frozen=True, slots=True)
class ContractField:
    """One property of a record, one column of its table; `restrictions` say why it is hidden, if it is."""

    name: str
    type: ColumnType
    logical: str
    required: bool = False
    description: str = ""
    checks: FieldChecks = NO_CHECKS
    unique: bool = False
    restrictions: tuple[Restriction, ...] = ()

    @property
    def restricted(self) -> bool:
        """Whether only those see the column who may by name."""
        return bool(self.restrictions)


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """A column of an order. NULLs stand last when ascending and first when descending, as in PostgreSQL."""

    name: str
    descending: bool = False


Order = tuple[OrderColumn, ...]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What `topics ensure` asks of Kafka."""

    partitions: int = 1
    retention_hours: int | None = None
    cleanup_policy: str = "delete"


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset's contract.

    `key` is empty in append mode; `earliest` and `latest` are first days of months, both inclusive, None for
    Andén's own bounds; `format` is one of `formats.FORMATS`; retention is counted in days of event time, latency in
    seconds. `memo` holds what is made of the contract once, for as long as the contract is held.
    """

    name: str
    topic: str
    version: str
    fields: tuple[ContractField, ...]
    mode: WriteMode
    description: str = ""
    key: tuple[str, ...] = ()
    event_time: str | None = None
    unknown_fields: UnknownFieldsPolicy = UnknownFieldsPolicy.REJECT
    api_writes: bool = False
    orders: tuple[Order, ...] = ()
    filters: tuple[str, ...] = ()
    late: LatePolicy = LatePolicy.QUARANTINE
    earliest: datetime.date | None = None
    latest: datetime.date | None = None
    format: str = "json"
    retention_days: int | None = None
    latency_s: float | None = None
    topic_spec: TopicSpec = TopicSpec()
    memo: dict[str, Any] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    def field(self, name: str) -> ContractField:
        """The field of this name. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def restricted(self) -> tuple[ContractField, ...]:
        """The fields that only those see who may by name."""
        return tuple(field for field in self.fields if field.restricted)

    @property
    def unrestricted(self) -> tuple[ContractField, ...]:
        """The fields that whoever may see the dataset sees."""
        return tuple(field for field in self.fields if not field.restricted)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the table's primary key, in order."""
        if self.mode is WriteMode.UPSERT:
            return self.key
        return (self.event_time, SOURCE, OFFSET) if self.event_time else (SOURCE, OFFSET)

    @property
    def system_columns(self) -> tuple[tuple[str, str], ...]:
        """Andén's own columns of the table: name and SQL type with its constraint, in order."""
        upsert = (
            (AT, "timestamptz NOT NULL"),
            (REV, "bigint NOT NULL"),
            (DELETED, "boolean NOT NULL DEFAULT false"),
        )
        return (
            (SOURCE, "integer NOT NULL"),
            (OFFSET, "bigint NOT NULL"),
            (BATCH, "bigint NOT NULL"),
            *(upsert if self.mode is WriteMode.UPSERT else ()),
            *(((EXTRA, "jsonb"),) if self.unknown_fields is UnknownFieldsPolicy.KEEP else ()),
        )
