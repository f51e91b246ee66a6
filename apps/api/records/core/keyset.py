"""Where a page goes on: the rows after a position in a complete sort, as branches that an index can serve.

A branch fixes the first columns and moves on in the ones behind them. An OR over all branches would make
PostgreSQL read from the start; each branch alone is one range of the index, so they are asked for one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.api.access.visible_schema import Sort, SortColumn

Position = Sequence[str | None]
"""The sort's values in one row, as PostgreSQL writes them as text."""


@dataclass(frozen=True, slots=True)
class KeysetBranch:
    """Rows whose `fixed` columns equal the values (None: are NULL) and whose next columns lie behind.

    `after` compares the columns with the values as one row; `null` names a column that must be NULL (True)
    or must not be (False).
    """

    fixed: tuple[tuple[str, str | None], ...] = ()
    after: tuple[tuple[str, str], ...] = ()
    descending: bool = False
    null: tuple[str, bool] | None = None


def branches_after(sort: Sort, position: Position) -> tuple[KeysetBranch, ...]:
    """The branches that hold exactly the rows after the position; no row lies in two of them."""
    return tuple(_branches(list(zip(sort, position, strict=True))))


def _branches(pairs: list[tuple[SortColumn, str | None]]) -> Iterator[KeysetBranch]:
    fixed: tuple[tuple[str, str | None], ...] = ()
    while pairs:
        column, value = pairs[0]
        if value is None:
            # NULL stands last when ascending: nothing lies behind it; first when descending: all values do.
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
    """The longest beginning in one direction without NULL: what one row comparison can say."""
    run: list[tuple[SortColumn, str]] = []
    for column, value in pairs:
        if value is None or column.descending != pairs[0][0].descending:
            break
        run.append((column, value))
    return run
