"""Kinds reject invalid arguments, stored errors are short and free of secrets, runs stop on request."""

from typing import Annotated

import psycopg
import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from apps.jobs.core.errors import ArgumentsInvalid, JobCancelled, RunEnded
from apps.jobs.core.kinds import JOB_KINDS, job
from apps.jobs.core.rules import MAX_ERROR_LENGTH, error_text, retry_delay_s
from apps.jobs.core.run import TEXT_LENGTH, JobProgress, JobRun


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    dataset: Annotated[str, Meta(min_length=1)]
    rows: int = 10


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the kinds that a test registers."""
    for name in ("tests.export",):
        monkeypatch.setitem(JOB_KINDS, name, JOB_KINDS["datasets.purge_tombstones"])
        monkeypatch.delitem(JOB_KINDS, name)


def no_check() -> None:
    """Allow the run to continue."""


@pytest.mark.usefixtures("kinds")
def test_valid_arguments_round_trip_and_invalid_ones_are_named() -> None:
    kind = job("tests.export", Export)(lambda _export, _run: None)
    assert kind.decode(kind.encode(Export("flights"))) == Export("flights")
    for stored, field in (({"dataset": ""}, "dataset"), ({"dataset": "a", "rows": "b"}, "rows"), ({}, "dataset")):
        with pytest.raises(ArgumentsInvalid, match=rf"^tests\.export: .*`?{field}`?"):
            kind.decode(stored)
    with pytest.raises(ArgumentsInvalid, match="unknown field `more`"):
        kind.decode({"dataset": "a", "more": 1})
    with pytest.raises(ValueError, match="registered twice"):
        job("tests.export", Export)(lambda _export, _run: None)


@pytest.mark.parametrize(
    ("message", "stored"),
    [
        ("to amqp://ada:hunter2@host/x failed", "ValueError: to amqp://…@host/x failed"),
        ("password=hunter2 host=db", "ValueError: password=… host=db"),
        ('{"api_key": "hunter2", "n": 1}', 'ValueError: {"api_key": …, "n": 1}'),
        ("Authorization: Bearer hunter2", "ValueError: Authorization: …"),
        ("one\n  two", "ValueError: one two"),
        ("", "ValueError"),
    ],
)
def test_an_error_keeps_its_class_and_message_without_apparent_secrets(message: str, stored: str) -> None:
    assert error_text(ValueError(message)) == stored


def test_a_message_that_may_quote_a_row_is_not_stored() -> None:
    cause = psycopg.errors.UniqueViolation("Key (email)=(ada@example.org) already exists")
    wrapped = IntegrityError(str(cause))
    wrapped.__cause__ = cause
    hint = "see the log for PostgreSQL's message, which may quote a row"
    for error in (cause, wrapped):
        assert error_text(error).endswith(f"SQLSTATE 23505; {hint}")
    unread = psycopg.errors.InvalidTextRepresentation('invalid input syntax for type integer: "ada@example.org"')
    assert error_text(unread).endswith(f"SQLSTATE 22P02; {hint}")
    assert error_text(psycopg.errors.LockNotAvailable("busy")) == "LockNotAvailable: busy"


@given(st.text(max_size=2_000))
def test_an_error_is_one_bounded_line_that_postgresql_can_store(message: str) -> None:
    stored = error_text(ValueError(message))
    assert len(stored) <= MAX_ERROR_LENGTH
    assert len(stored.splitlines()) == 1
    assert "\0" not in stored


def test_retry_delays_grow_to_an_hour() -> None:
    assert [retry_delay_s(attempts) for attempts in (1, 2, 3, 9)] == [30, 120, 480, 3_600]


def test_a_run_keeps_its_checkpoint_until_the_next_and_stops_on_request() -> None:
    run = JobRun(JobProgress(checkpoint={"id": 5}), no_check)
    run.progress(1, 9, "x" * 500 + "\0")
    assert run.last_progress == JobProgress(1, 9, "x" * TEXT_LENGTH, {"id": 5})
    run.end(JobCancelled())
    with pytest.raises(JobCancelled):
        run.progress(2, 9, checkpoint={"id": 6})
    assert run.last_progress == JobProgress(2, 9, "", {"id": 6})  # that work is committed, so the next run can skip it


def test_run_ended_is_not_caught_by_except_exception() -> None:
    assert not issubclass(RunEnded, Exception)
