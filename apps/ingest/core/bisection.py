"""Finding the few rows that PostgreSQL refuses among many that it takes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from apps.ingest.core.errors import RecordRefused

Item = TypeVar("Item")


def bisect_refused(rows: Sequence[Item], store: Callable[[Sequence[Item]], None]) -> list[tuple[Item, RecordRefused]]:
    """The rows that were refused, each with its error; all others are stored, in order.

    `store` keeps all of the rows or, raising RecordRefused, none of them. Any other error ends the sifting. Where the
    error says which of the rows it is about, that one is tried alone; else the rows are halved.
    """
    refused: list[tuple[Item, RecordRefused]] = []
    waiting = [rows] if rows else []
    while waiting:
        part = waiting.pop()
        try:
            store(part)
        except RecordRefused as error:
            if len(part) == 1:
                refused.append((part[0], error))
                continue
            waiting += [few for few in _split(part, error.row) if few]
    return refused


def _split(part: Sequence[Item], row: int | None) -> list[Sequence[Item]]:
    """The part in smaller ones, the last first."""
    if row is not None and 0 <= row < len(part):
        return [part[row + 1 :], part[row : row + 1], part[:row]]
    middle = len(part) // 2
    return [part[middle:], part[:middle]]
