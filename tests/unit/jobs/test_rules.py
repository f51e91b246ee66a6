"""Kinds refuse what they cannot take, errors are kept short and without secrets, a run ends where it is told to."""

from typing import Annotated

import psycopg
import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from apps.jobs.core.errors import ArgumentsInvalid, JobCancelled, RunEnded
from apps.jobs.core.kinds import JOB_KINDS, job
from apps.jobs.core.rules import ERROR_LENGTH, error_text, retry_pause_s
from apps.jobs.core.run import TEXT_LENGTH, JobProgress, JobRun


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    dataset: Annotated[str, Meta(min_length=1)]
    rows: int = 10


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds that are made here are forgotten again."""
    for name in ("tests.export",):
        monkeypatch.setitem(JOB_KINDS, name, JOB_KINDS["datasets.purge_tombstones"])
        monkeypatch.delitem(JOB_KINDS, name)


def nothing() -> None:
    """Nobody objects."""


@pytest.mark.usefixtures("kinds")
def test_arguments_come_back_as_they_were_and_bad_ones_are_named() -> None:
    kind = job("tests.export", Export)(lambda _export, _run: None)
    assert kind.decoded(kind.encoded(Export("flights"))) == Export("flights")
    for stored, field in (({"dataset": ""}, "dataset"), ({"dataset": "a", "rows": "b"}, "rows"), ({}, "dataset")):
        with pytest.raises(ArgumentsInvalid, match=rf"^tests\.export: .*`?{field}`?"):
            kind.decoded(stored)
    with pytest.raises(ArgumentsInvalid, match="unknown field `more`"):
        kind.decoded({"dataset": "a", "more": 1})
    with pytest.raises(ValueError, match="two kinds"):
        job("tests.export", Export)(lambda _export, _run: None)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("to amqp://ada:hunter2@host/x failed", "ValueError: to amqp://…@host/x failed"),
        ("password=hunter2 host=db", "ValueError: password=… host=db"),
        ('{"api_key": "hunter2", "n": 1}', 'ValueError: {"api_key": …, "n": 1}'),
        ("Authorization: Bearer hunter2", "ValueError: Authorization: …"),
        ("one\n  two", "ValueError: one two"),
        ("", "ValueError"),
    ],
)
def test_an_error_keeps_its_class_and_message_without_what_looks_like_a_secret(message: str, kept: str) -> None:
    assert error_text(ValueError(message)) == kept


def test_what_postgresql_says_of_a_row_is_not_kept() -> None:
    told = psycopg.errors.UniqueViolation("Key (email)=(ada@example.org) already exists")
    wrapped = IntegrityError(str(told))
    wrapped.__cause__ = told
    for error in (told, wrapped):
        assert error_text(error).endswith("SQLSTATE 23505; PostgreSQL's message, which may quote a row, is in the log")
    unread = psycopg.errors.InvalidTextRepresentation('invalid input syntax for type integer: "ada@example.org"')
    assert error_text(unread).endswith("SQLSTATE 22P02; PostgreSQL's message, which may quote a row, is in the log")
    assert error_text(psycopg.errors.LockNotAvailable("busy")) == "LockNotAvailable: busy"


@given(st.text(max_size=2_000))
def test_an_error_is_one_bounded_line_that_postgresql_can_hold(message: str) -> None:
    kept = error_text(ValueError(message))
    assert len(kept) <= ERROR_LENGTH
    assert len(kept.splitlines()) == 1
    assert "\0" not in kept


def test_pauses_grow_to_an_hour() -> None:
    assert [retry_pause_s(attempts) for attempts in (1, 2, 3, 9)] == [30, 120, 480, 3_600]


def test_a_run_keeps_its_checkpoint_until_the_next_and_ends_where_it_is_told_to() -> None:
    run = JobRun(JobProgress(checkpoint={"id": 5}), nothing)
    run.progress(1, 9, "x" * 500 + "\0")
    assert run.last_progress == JobProgress(1, 9, "x" * TEXT_LENGTH, {"id": 5})
    run.end(JobCancelled())
    with pytest.raises(JobCancelled):
        run.progress(2, 9, checkpoint={"id": 6})
    assert run.last_progress == JobProgress(2, 9, "", {"id": 6})  # that work is done, so the next run need not do it


def test_what_ends_a_run_is_not_swallowed_by_a_function_that_catches_exceptions() -> None:
    assert not issubclass(RunEnded, Exception)
