"""Translate psycopg's errors to errors of ingest."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from apps.datasets.core.errors import StoreMisconfigured
from apps.ingest.adapters.answer_deadline import AnswerTimeout
from apps.ingest.core.errors import (
    DuplicateCoordinates,
    IngestError,
    PartitionMissing,
    RecordRefused,
    RetriableStoreError,
    StaleContract,
    StoreUnresponsive,
    TableUnavailable,
    UnexpectedStoreError,
)
from apps.ingest.core.sqlstates import Reaction, reaction

CLIENT_SIDE: Final = "22000"
"""The SQLSTATE of a value that psycopg could not encode, so that it never reached PostgreSQL."""

DUMP_ERRORS: Final = (OverflowError, TypeError, ValueError, struct.error)
"""What psycopg's dumpers raise, besides DataError, for a value that does not fit its column."""


DRIVER_ERRORS: Final = (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError)
"""What psycopg raises on its own for misuse; a retry cannot succeed."""

_COPY_LINE: Final = re.compile(r"^COPY .+, line ([0-9]{1,9})", re.MULTILINE)
"""Matches English messages only; with other languages the rows are halved."""


@contextmanager
def translate_errors(*, in_table: bool = False) -> Iterator[None]:
    """Translate psycopg's errors as core.sqlstates lists them; pass on those that psycopg raises on its own.

    `in_table`: the statements are on a single dataset's table.
    """
    try:
        yield
    except AnswerTimeout as error:
        raise StoreUnresponsive(str(error)) from error
    except psycopg.Error as error:
        if error.sqlstate is None and isinstance(error, DRIVER_ERRORS):
            raise
        raise ingest_error(error, in_table=in_table) from error
    except StoreMisconfigured as error:
        raise RetriableStoreError(str(error)) from error


def ingest_error(error: psycopg.Error, *, in_table: bool = False) -> IngestError:
    """The error of ingest for this one, named by its reaction."""
    diagnostic = error.diag
    text = diagnostic.message_primary or str(error).strip().splitlines()[0] if str(error) else repr(error)
    message = f"{text} ({error.sqlstate})" if error.sqlstate else text
    if error.sqlstate is None and isinstance(error, psycopg.DataError):
        return unencodable(error)
    match reaction(error.sqlstate, diagnostic.constraint_name):
        case Reaction.QUARANTINE:
            return RecordRefused(
                text,
                sqlstate=error.sqlstate or "",
                constraint=diagnostic.constraint_name or "",
                column=diagnostic.column_name or "",
                row=_row(diagnostic.context),
            )
        case Reaction.PAUSE_TABLE if in_table:
            return TableUnavailable(f"cannot write to its table now: {message}", sqlstate=error.sqlstate or "")
        case Reaction.WAIT | Reaction.PAUSE_TABLE:
            return RetriableStoreError(message)
        case Reaction.MAKE_PARTITION:
            return PartitionMissing(message)
        case Reaction.READ_CONTRACT:
            return StaleContract(message)
        case Reaction.STOP_DUPLICATE:
            return DuplicateCoordinates(f"the table already holds rows of these coordinates: {message}")
        case Reaction.STOP:
            return UnexpectedStoreError(message)


def unencodable(error: Exception, row: int | None = None) -> RecordRefused:
    """The rejection of a value that psycopg cannot encode; only DataError has a readable message."""
    lines = str(error).strip().splitlines() if isinstance(error, psycopg.DataError) else []
    return RecordRefused(lines[0] if lines else "a value does not fit its column", sqlstate=CLIENT_SIDE, row=row)


def _row(context: str | None) -> int | None:
    """The index of the rejected row: PostgreSQL counts the rows of a COPY as lines, from 1."""
    line = _COPY_LINE.search(context or "")
    return int(line[1]) - 1 if line else None
