"""Bisection: find the few rows that PostgreSQL rejects among many that it accepts."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from apps.ingest.core.errors import RecordRefused

Item = TypeVar("Item")


def bisect_refused(
    rows: Sequence[Item], store: Callable[[Sequence[Item]], None], *, most: int
) -> list[tuple[Item, RecordRefused]]:
    """The rejected rows, each with its error; all others are stored, in order, at most `most` together.

    `store` stores all of its rows or, raising RecordRefused, none. Any other error propagates. If the error names the
    row, that row is tried alone; otherwise the rows are halved.
    """
    refused: list[tuple[Item, RecordRefused]] = []
    waiting = [rows[start : start + most] for start in range(0, len(rows), most)][::-1]
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
    if row is not None and 0 <= row < len(part):
        return [part[row + 1 :], part[row : row + 1], part[:row]]
    middle = len(part) // 2
    return [part[middle:], part[:middle]]
