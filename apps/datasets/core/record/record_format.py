"""The port of a record format: a record's bytes in, the row's values out."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from apps.datasets.core.errors import BadRecord

Values = tuple[Any, ...]
"""Values of one row, in the order of its columns."""

UNDECODABLE: Final = "undecodable"


class BulkRows(NamedTuple):
    """The rows of many records, and the indexes of those that must be checked individually, ascending.

    The row of such a record is only its tail. Numbers of type `numeric` may be JSON text (msgspec.Raw).
    """

    rows: list[Values]
    suspects: list[int]


class EncodedRecord(Protocol):
    """What accompanies a record's value; methods, because they are rarely called."""

    def key(self) -> bytes | None:
        """The raw key."""

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The headers, in order; names may repeat."""


class RecordReader(Protocol):
    """Turns the records of one contract into values, in the order of `columns`.

    `wires` are the columns' types as psycopg names them. The values satisfy the contract: `RowChecks` has the rules
    that apply to every format.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """The contract's columns; `_extra` is last if unknown fields are kept."""

    @property
    def wires(self) -> tuple[str, ...]:
        """The type of each column."""

    def decode(self, value: bytes, record: EncodedRecord, /) -> Values:
        """The values of one record. Raises BadRecord: it can never become a row of this contract."""

    def decode_all(
        self, values: Sequence[bytes | None], tails: Iterable[Values], records: Sequence[EncodedRecord], /
    ) -> BulkRows:
        """The values of each record followed by its tail.

        In a format without a bulk path, all records must be checked individually.
        """

    def decode_key(self, key: bytes | None, record: EncodedRecord, /) -> Values:
        """The values of the contract's key from a tombstone's key. Raises BadRecord, `bad_key`."""


def all_suspect(tails: Iterable[Values]) -> BulkRows:
    """The result of `decode_all` in a format without a bulk path."""
    rows = list(tails)
    return BulkRows(rows, list(range(len(rows))))


def undecodable(form: str, why: str, what: str = "the record") -> BadRecord:
    """The error about bytes that are not in the contract's format."""
    return BadRecord(UNDECODABLE, f"{what} is not {form}: {why}")
