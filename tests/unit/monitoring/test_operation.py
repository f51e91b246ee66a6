"""Statements are told apart by what they do, whatever surrounds their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.adapters.timed_postgresql.operation import Operation, operation_of

CASES: tuple[tuple[str, Operation], ...] = (
    ("SELECT 1", "read"),
    ("  select * from t for update", "read"),
    ("(SELECT 1) UNION (SELECT 2)", "read"),
    ("VALUES (1)", "read"),
    ("INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1", "write"),
    ("UPDATE t SET a = 'select'", "write"),
    ("DELETE FROM t", "write"),
    ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "write"),
    ("-- insert into t\nSELECT 1", "read"),
    ("/* a /* nested */ comment */ INSERT INTO t VALUES (1)", "write"),
    ("WITH a AS (SELECT 1) SELECT * FROM a", "read"),
    ("WITH a AS (SELECT 1 AS delete) SELECT (delete) FROM a FOR UPDATE", "read"),
    ("WITH a AS (SELECT 'x) INSERT INTO t') SELECT * FROM a", "read"),
    ('WITH a AS (SELECT 1 AS ") INSERT INTO t") SELECT * FROM a', "read"),
    ("WITH a AS (SELECT $$) INSERT INTO t$$) SELECT * FROM a", "read"),
    ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "write"),
    ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "write"),
    ('WITH a AS MATERIALIZED (UPDATE ONLY "t" SET a = 1 RETURNING 1) SELECT 1', "write"),
    ("WITH RECURSIVE a(n) AS (SELECT 1) MERGE INTO t USING a ON true WHEN MATCHED THEN DELETE", "write"),
    ("COPY t FROM STDIN", "write"),
    ('COPY "data"."from" ("to", b) FROM STDIN (FORMAT binary)', "write"),
    ('COPY "from" TO STDOUT', "read"),
    ("copy t(a, b) to stdout with (format csv)", "read"),
    ("COPY (SELECT * FROM t WHERE a = ') FROM') TO STDOUT", "read"),
    ("COPY (INSERT INTO t VALUES (1) RETURNING *) TO STDOUT", "write"),
    ("COPY ((SELECT 1) UNION (SELECT 2)) TO STDOUT", "read"),
    ("CREATE TABLE t AS SELECT 1", "other"),
    ("BEGIN", "other"),
    ("SET TIME ZONE 'UTC'", "other"),
    ("EXPLAIN SELECT 1", "other"),
    ("", "other"),
    ("/* never closed", "other"),
    ("--", "other"),
)

WORDS = st.sampled_from(("insert into t", "delete from t", "update t", "merge into t", "from", "to", ") (", "x"))
OPAQUE = st.one_of(
    WORDS.map(lambda word: f"'{word}'"),
    WORDS.map(lambda word: f'"{word}"'),
    WORDS.map(lambda word: f"$q${word}$q$"),
    WORDS.map(lambda word: f"/* ({word} */ 1"),
    WORDS.map(lambda word: f"E'\\'({word}'"),
)


@pytest.mark.parametrize(("sql", "operation"), CASES)
def test_a_statement_has_the_operation_of_its_first_keyword(sql: str, operation: Operation) -> None:
    assert operation_of(sql) == operation


@given(inner=OPAQUE, space=st.sampled_from(("", "\n", "\t ", "/* c */", "-- c\n")), upper=st.booleans())
def test_words_inside_of_literals_names_and_comments_change_nothing(inner: str, space: str, upper: bool) -> None:
    def case(word: str) -> str:
        return word.upper() if upper else word

    assert operation_of(f"{space}{case('with')} a as (select {inner}) {case('select')} * from a") == "read"
    assert operation_of(f"{space}{case('with')} a as (select {inner}) insert into t select 1") == "write"
    assert operation_of(f"{space}{case('copy')} (select {inner}) to stdout") == "read"


@given(st.text())
def test_any_text_has_an_operation(sql: str) -> None:
    assert operation_of(sql) in {"read", "write", "other"}
