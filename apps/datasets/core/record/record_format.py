"""The port of a record format: the bytes of a record in, the row's values out."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from apps.datasets.core.errors import BadRecord

Values = tuple[Any, ...]
"""Values of one row, in the order of its columns."""

UNDECODABLE: Final = "undecodable"


class EncodedRecord(Protocol):
    """What comes with a record's value: methods, because calling them late is cheap."""

    def key(self) -> bytes | None:
        """The raw key."""

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The headers, in order; a name may stand there twice."""


class RecordReader(Protocol):
    """Turns the records of one contract into values, in the order of `columns`.

    `wires` are the columns' types as psycopg names them. The values of a row fulfil the contract: `RowChecks` holds
    the rules that no format knows.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """The contract's columns, `_extra` the last where it is kept."""

    @property
    def wires(self) -> tuple[str, ...]:
        """A type for each column."""

    def decode(self, value: bytes, record: EncodedRecord, /) -> Values:
        """The values of one record. Raises BadRecord: it can never become a row of this contract."""

    def decode_all(
        self, values: Sequence[bytes | None], tails: Iterable[Values], records: Sequence[EncodedRecord], /
    ) -> list[Values] | None:
        """The values of each record followed by its tail; None when any of them needs a look by itself.

        A format without a faster way for many records returns None.
        """

    def decode_key(self, key: bytes | None, record: EncodedRecord, /) -> Values:
        """The values of the contract's key from a tombstone's. Raises BadRecord, `bad_key`."""


def undecodable(form: str, why: str) -> BadRecord:
    """The error about bytes that are not of the contract's format at all."""
    return BadRecord(UNDECODABLE, f"the record is not {form}: {why}")
