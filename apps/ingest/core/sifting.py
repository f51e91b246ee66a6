"""Finding the few rows that PostgreSQL refuses among many that it takes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from apps.ingest.core.errors import RecordRefused

Item = TypeVar("Item")


def sift(rows: Sequence[Item], store: Callable[[Sequence[Item]], None]) -> list[tuple[Item, RecordRefused]]:
    """The rows that were refused, each with its error; all others are stored, in order.

    `store` keeps all of the rows or, raising RecordRefused, none of them. Any other error ends the sifting.
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
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return refused
