"""Errors of psycopg as errors of ingest."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from apps.datasets.core.errors import StoreMisconfigured
from apps.ingest.core.errors import (
    ContractChanged,
    DuplicateCoordinates,
    IngestError,
    PartitionMissing,
    RecordRefused,
    RetriableStoreError,
    UnexpectedStoreError,
)
from apps.ingest.core.sqlstates import Reaction, reaction

CLIENT_SIDE: Final = "22000"
"""The SQLSTATE of a value that never reached PostgreSQL, because the driver could not express it."""

DUMP_ERRORS: Final = (OverflowError, TypeError, ValueError, struct.error)
"""What the driver's dumpers raise, beside its own DataError, for a value that a column cannot hold."""


OWN_FAULTS: Final = (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError)
"""What the driver raises by itself when it is asked for what it cannot do; no wait mends that."""

_COPY_LINE: Final = re.compile(r"^COPY .+, line ([0-9]{1,9})", re.MULTILINE)
"""In English; a server that speaks another language has the rows halved."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Let psycopg's errors out as those of ingest, but for the driver's own; see the table in core.sqlstates."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None and isinstance(error, OWN_FAULTS):
            raise
        raise ingest_error(error) from error
    except StoreMisconfigured as error:
        raise RetriableStoreError(str(error)) from error


def ingest_error(error: psycopg.Error) -> IngestError:
    """The error of ingest that says what to do about this one."""
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
        case Reaction.WAIT:
            return RetriableStoreError(message)
        case Reaction.MAKE_PARTITION:
            return PartitionMissing(message)
        case Reaction.READ_CONTRACT:
            return ContractChanged(message)
        case Reaction.STOP_DUPLICATE:
            return DuplicateCoordinates(f"the table already holds rows of these coordinates: {message}")
        case Reaction.STOP:
            return UnexpectedStoreError(message)


def unencodable(error: Exception, row: int | None = None) -> RecordRefused:
    """What the driver says about a value that it cannot express; only its DataError has words for people."""
    said = str(error).strip().splitlines() if isinstance(error, psycopg.DataError) else []
    return RecordRefused(said[0] if said else "a value does not fit its column", sqlstate=CLIENT_SIDE, row=row)


def _row(context: str | None) -> int | None:
    """The number of the row that PostgreSQL had in hand: it counts the rows of a COPY as lines, from 1."""
    line = _COPY_LINE.search(context or "")
    return int(line[1]) - 1 if line else None
