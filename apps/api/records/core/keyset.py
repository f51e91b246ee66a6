"""Keyset pagination: the rows after a position in a total order, as branches that an index can serve.

A branch fixes the leading columns and compares the following ones. With an OR over all branches, PostgreSQL would scan
from the start; each branch on its own is one index range, so they are combined with UNION ALL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.api.access.visible_schema import Sort, SortColumn

Position = Sequence[str | None]
"""The sort columns' values in one row, as PostgreSQL's text output."""


@dataclass(frozen=True, slots=True)
class KeysetBranch:
    """Rows whose `fixed` columns equal the values (None: are NULL) and whose next columns come after.

    `after` compares columns and values as one row. `null` names a column that must be NULL (True) or NOT NULL (False).
    """

    fixed: tuple[tuple[str, str | None], ...] = ()
    after: tuple[tuple[str, str], ...] = ()
    descending: bool = False
    null: tuple[str, bool] | None = None


def branches_after(sort: Sort, position: Position) -> tuple[KeysetBranch, ...]:
    """Disjoint branches that together contain exactly the rows after the position."""
    return tuple(_branches(list(zip(sort, position, strict=True))))


def _branches(pairs: list[tuple[SortColumn, str | None]]) -> Iterator[KeysetBranch]:
    fixed: tuple[tuple[str, str | None], ...] = ()
    while pairs:
        column, value = pairs[0]
        if value is None:
            # NULL sorts last ascending, so nothing follows it, and first descending, so every value does.
            if column.descending:
                yield KeysetBranch(fixed, null=(column.name, False))
            fixed, pairs = (*fixed, (column.name, None)), pairs[1:]
            continue
        run = _run(pairs)
        yield KeysetBranch(fixed, after=tuple((item.name, text) for item, text in run), descending=column.descending)
        for item, text in run:
            if item.nullable and not item.descending:
                yield KeysetBranch(fixed, null=(item.name, True))
            fixed = (*fixed, (item.name, text))
        pairs = pairs[len(run) :]


def _run(pairs: list[tuple[SortColumn, str | None]]) -> list[tuple[SortColumn, str]]:
    """The longest prefix without NULL in one direction, which a single row comparison can express."""
    run: list[tuple[SortColumn, str]] = []
    for column, value in pairs:
        if value is None or column.descending != pairs[0][0].descending:
            break
        run.append((column, value))
    return run
