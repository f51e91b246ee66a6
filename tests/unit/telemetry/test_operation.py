"""Statements are classified by what they do, whatever surrounds their keywords."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.abc import Query

from apps.telemetry.postgresql.cursors import operation_of_query
from apps.telemetry.postgresql.operation import OPERATIONS, Operation, operation_of
from tests.corpus import BEYOND_THE_TEXT, STATEMENTS, Statement
from tests.hostile import spoiled

KNOWN = [statement for statement in STATEMENTS if statement.group != BEYOND_THE_TEXT]
CASELESS = [statement for statement in KNOWN if not {*statement.sql} & set("$%\\&")]
"""Statements without case-sensitive parts: tags of dollar quotes, parameters and escapes."""
CLOSED = [statement for statement in KNOWN if "never closed" not in statement.sql]
"""Statements that end before the semicolon behind them."""

WORDS = st.sampled_from(("insert into t", "delete from t", "update t", "merge into t", "from", "to", ") (", "x"))
OPAQUE = st.one_of(
    WORDS.map(lambda word: f"'{word}'"),
    WORDS.map(lambda word: f'"{word}"'),
    WORDS.map(lambda word: f"$q${word}$q$"),
    WORDS.map(lambda word: f"/* ({word} */ 1"),
    WORDS.map(lambda word: f"E'\\'({word}'"),
)


def mistaken(statements: Sequence[Statement], change: Callable[[str], str] = str) -> str:
    """A line for each misclassified statement."""
    results = [(statement, operation_of(change(statement.sql))) for statement in statements]
    return "\n".join(f"{found}: {change(one.sql)}" for one, found in results if found != one.operation)


def test_a_statement_has_the_operation_of_its_text() -> None:
    assert len(KNOWN) >= 350
    assert mistaken(KNOWN) == "", mistaken(KNOWN)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase], ids=["upper", "lower", "swapped"])
def test_letter_case_changes_nothing(change: Callable[[str], str]) -> None:
    assert len(CASELESS) >= 350
    assert mistaken(CASELESS, change) == "", mistaken(CASELESS, change)


def test_at_least_995_of_1000_statements_are_right(record_figure: Callable[[str], None]) -> None:
    wrong = [statement for statement in STATEMENTS if operation_of(statement.sql) != statement.operation]
    share = 1 - len(wrong) / len(STATEMENTS)
    record_figure(
        f"operations: {share:.2%} of {len(STATEMENTS)} statements right; wrong: {[one.sql for one in wrong]}"
    )
    assert len(STATEMENTS) >= 300
    assert share >= 0.995


def test_the_corpus_has_no_duplicate_statement() -> None:
    texts = [statement.sql for statement in STATEMENTS]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("query", "operation"),
    [
        (b"DELETE FROM orders", "write"),
        (b"SELECT '\xff'", "read"),
        (sql.SQL("SELECT {}").format(sql.Literal("; DELETE FROM orders")), "read"),
        (sql.SQL("DELETE FROM {}").format(sql.Identifier("data", "orders")), "write"),
        (sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier("to"), sql.Identifier("a")), "write"),
        (sql.SQL("COPY {} TO STDOUT").format(sql.Identifier("from")), "read"),
        (sql.Composed([sql.SQL("WITH a AS ("), sql.SQL("DELETE FROM t RETURNING *"), sql.SQL(") TABLE a")]), "write"),
        (sql.SQL("SELECT * FROM {} FOR UPDATE").format(sql.Identifier("orders")), "write"),
    ],
    ids=str,
)
def test_bytes_and_composed_statements_are_classified_alike(query: Query, operation: Operation) -> None:
    assert operation_of_query(query) == operation


@given(inner=OPAQUE, space=st.sampled_from(("", "\n", "\t ", "/* c */", "-- c\n")), upper=st.booleans())
def test_keywords_in_literals_names_and_comments_change_nothing(inner: str, space: str, upper: bool) -> None:
    def case(word: str) -> str:
        return word.upper() if upper else word

    assert operation_of(f"{space}{case('with')} a as (select {inner}) {case('select')} * from a") == "read"
    assert operation_of(f"{space}{case('with')} a as (select {inner}) insert into t select 1") == "write"
    assert operation_of(f"{space}{case('copy')} (select {inner}) to stdout") == "read"


PIECES = st.sampled_from(
    [*";()'\"0", "", " ", "$q$", "--", "/*", "*/", "E'\\", "%s", "\u00e9", "into", "for update", "from"]
)
TEXTS = spoiled(st.sampled_from(KNOWN).map(lambda statement: statement.sql), PIECES) | st.text()


@given(TEXTS)
@example("SELECT$q$ 1")
def test_any_text_gets_the_same_operation_on_the_fast_path_and_the_full_parse(sql: str) -> None:
    found = operation_of(sql)
    assert found in OPERATIONS
    # A comment hides the first word; long statements are not cached.
    assert {operation_of(f"/**/ {sql}"), operation_of(f"/*{' ' * 9_000}*/{sql}")} == {found}


@given(st.lists(st.sampled_from(CLOSED), min_size=1, max_size=4))
@example([])
def test_a_script_has_the_operation_of_its_strongest_statement(statements: list[Statement]) -> None:
    strongest = min((one.operation for one in statements), key=("write", "read", "other").index, default="other")
    assert operation_of("\n;".join(statement.sql for statement in statements)) == strongest
