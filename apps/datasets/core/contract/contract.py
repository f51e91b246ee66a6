"""A contract: what records look like and how they are stored. Built by `odcs.contract_from_odcs`."""

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
    """What happens to events outside the contract's months."""

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
    """A property of a record and column of its table; `restrictions` are the reasons why it is hidden."""

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
        """Whether a client needs a grant that names the column."""
        return bool(self.restrictions)


@dataclass(frozen=True, slots=True)
class OrderColumn:
    """A column of an order. NULLs sort last when ascending and first when descending, as in PostgreSQL."""

    name: str
    descending: bool = False


Order = tuple[OrderColumn, ...]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What `topics ensure` requests from Kafka."""

    partitions: int = 1
    retention_hours: int | None = None
    cleanup_policy: str = "delete"


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset's contract.

    `key` is empty in append mode; `earliest` and `latest` are first days of months, both inclusive, None for the
    default bounds; `format` is one of `formats.FORMATS`; retention is in days of event time, latency in seconds.
    `memo` caches what is derived from the contract, for the contract's lifetime.
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
        """The fields that a client needs a grant for by name."""
        return tuple(field for field in self.fields if field.restricted)

    @property
    def unrestricted(self) -> tuple[ContractField, ...]:
        """The fields that everyone who may see the dataset sees."""
        return tuple(field for field in self.fields if not field.restricted)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the table's primary key, in order."""
        if self.mode is WriteMode.UPSERT:
            return self.key
        return (self.event_time, SOURCE, OFFSET) if self.event_time else (SOURCE, OFFSET)

    @property
    def system_columns(self) -> tuple[tuple[str, str], ...]:
        """Andén's own columns of the table: name, and SQL type with its constraint, in order."""
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
