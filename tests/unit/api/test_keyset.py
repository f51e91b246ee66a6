"""Keyset pagination: the branches after a position contain exactly the rows after it."""

from hypothesis import given
from hypothesis import strategies as st

from apps.api.access.visible_schema import SortColumn
from apps.api.records.core.keyset import KeysetBranch, branches_after

Row = tuple[int | None, ...]

columns = st.tuples(st.booleans(), st.booleans())
"""(descending, nullable) of one column."""


@st.composite
def sorts_and_rows(draw: st.DrawFn) -> tuple[tuple[SortColumn, ...], list[Row]]:
    shapes = [*draw(st.lists(columns, max_size=3)), (draw(st.booleans()), False)]
    sort = tuple(SortColumn(f"c{n}", down, null) for n, (down, null) in enumerate(shapes))
    head_values = [st.none() | st.integers(0, 2) if column.nullable else st.integers(0, 2) for column in sort[:-1]]
    heads = draw(st.lists(st.tuples(*head_values), max_size=25))
    # The last column represents the primary key: it is unique.
    return sort, [(*head, number) for number, head in enumerate(heads)]


def rank(sort: tuple[SortColumn, ...], row: Row) -> tuple[tuple[int, int], ...]:
    """PostgreSQL's order: NULL last ascending, first descending."""
    parts = []
    for column, value in zip(sort, row, strict=True):
        rank_of_value = (1, 0) if value is None else (0, value)
        parts.append((-rank_of_value[0], -rank_of_value[1]) if column.descending else rank_of_value)
    return tuple(parts)


def holds(branch: KeysetBranch, names: list[str], row: Row) -> bool:
    """Evaluate a branch like SQL: a comparison with NULL is not true."""
    values = dict(zip(names, row, strict=True))
    if any(values[name] != (None if text is None else int(text)) for name, text in branch.fixed):
        return False
    if branch.null is not None and (values[branch.null[0]] is None) is not branch.null[1]:
        return False
    for name, text in branch.after:
        value = values[name]
        if value is None:
            return False
        if value != int(text):
            return value < int(text) if branch.descending else value > int(text)
    return not branch.after


@given(sorts_and_rows())
def test_each_row_after_a_position_matches_exactly_one_branch_and_no_other_row_matches(
    given_rows: tuple[tuple[SortColumn, ...], list[Row]],
) -> None:
    sort, rows = given_rows
    names = [column.name for column in sort]
    for position in rows:
        texts = [None if value is None else str(value) for value in position]
        branches = branches_after(sort, texts)
        for row in rows:
            found = sum(holds(branch, names, row) for branch in branches)
            assert found == (rank(sort, row) > rank(sort, position))


@given(sorts_and_rows())
def test_every_branch_uses_a_prefix_of_the_sort_so_that_an_index_serves_it(
    given_rows: tuple[tuple[SortColumn, ...], list[Row]],
) -> None:
    sort, rows = given_rows
    names = [column.name for column in sort]
    for position in rows:
        for branch in branches_after(sort, [None if value is None else str(value) for value in position]):
            used = [name for name, _ in (*branch.fixed, *branch.after)]
            assert [*used, *([branch.null[0]] if branch.null else [])] == names[: len(used) + bool(branch.null)]


def test_a_sort_in_one_direction_without_null_is_one_row_comparison() -> None:
    sort = tuple(SortColumn(name, descending=False, nullable=False) for name in "abc")
    assert branches_after(sort, ["1", "2", "3"]) == (KeysetBranch(after=(("a", "1"), ("b", "2"), ("c", "3"))),)
