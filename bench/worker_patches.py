"""Patches that make a worker fail at records with the id -1; applied only in the worker's process."""

import re
from typing import Any


def rows_without_dumper() -> None:
    """Give these rows a value for which the driver has no dumper."""
    from apps.ingest.core.decoding import Decoder  # noqa: PLC0415 - after Django's setup

    decode = Decoder.decode

    def spoiling(self: Decoder, records: Any, **how: Any) -> Any:
        part = decode(self, records, **how)
        part.rows = [(object(), *row[1:]) if row[0] == -1 else row for row in part.rows]
        return part

    Decoder.decode = spoiling  # type: ignore[method-assign]


def decoder_that_fails() -> None:
    """Make the decoder raise an unexpected exception."""
    from apps.ingest.core.decoding import Decoder  # noqa: PLC0415 - after Django's setup

    decode = Decoder.decode

    def failing(self: Decoder, records: Any, **how: Any) -> Any:
        part = decode(self, records, **how)
        if any(row[0] == -1 for row in part.rows):
            raise SystemError
        return part

    Decoder.decode = failing  # type: ignore[method-assign]


def decoder_that_hangs() -> None:
    """Make the decoder call C code that holds the interpreter and never returns."""
    from apps.ingest.core.decoding import Decoder  # noqa: PLC0415 - after Django's setup

    decode = Decoder.decode

    def hanging(self: Decoder, records: Any, **how: Any) -> Any:
        part = decode(self, records, **how)
        if any(row[0] == -1 for row in part.rows):
            re.match(r"^(\w+\s?)*$", "a" * 60 + "!")
        return part

    Decoder.decode = hanging  # type: ignore[method-assign]
