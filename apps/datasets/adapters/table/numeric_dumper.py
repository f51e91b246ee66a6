"""Sends numbers of type `numeric` that bulk decoding left as JSON text."""

import decimal
from typing import Any

import msgspec
from psycopg import Connection, postgres
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.numeric import DecimalBinaryDumper

from apps.datasets.core.column_types.packed_numeric import pack_numeric


class NumericDumper(Dumper):
    """Dumps raw JSON without an exponent, and Decimals, to `numeric` in binary."""

    format = Format.BINARY
    oid = postgres.types["numeric"].oid

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self._decimals = DecimalBinaryDumper(decimal.Decimal, context)

    def dump(self, obj: msgspec.Raw | decimal.Decimal) -> Buffer | None:
        """The number in PostgreSQL's format."""
        return pack_numeric(bytes(obj)) if isinstance(obj, msgspec.Raw) else self._decimals.dump(obj)


def register_numeric_dumper(connection: Connection[Any]) -> None:
    """Let this connection's binary COPY send numbers as JSON text."""
    connection.adapters.register_dumper(msgspec.Raw, NumericDumper)
