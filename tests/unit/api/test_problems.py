"""Errors as problem details: every one has its answer, and none says too much."""

import inspect
import json

import psycopg
import pytest
from django.db.utils import OperationalError, ProgrammingError

from apps.api import errors
from apps.api.errors import ApiError, ClientInvalid, ParameterInvalid
from apps.api.problems import CONTENT_TYPE, PROBLEM_TYPES, problem_response, problem_type_of
from apps.datasets.core.errors import BadRecord


def test_every_error_of_the_api_has_a_problem_of_its_own() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ApiError)]
    assert len(kinds) >= 10
    for kind in kinds:
        if kind not in {ApiError, ClientInvalid}:  # the latter is for commands
            assert kind in PROBLEM_TYPES, kind


def test_a_slug_always_has_the_same_status_and_title() -> None:
    seen = {problem.slug: (problem.status, problem.title) for problem in PROBLEM_TYPES.values()}
    assert all(seen[problem.slug] == (problem.status, problem.title) for problem in PROBLEM_TYPES.values())


def test_a_problem_names_what_is_at_fault() -> None:
    answer = problem_response(ParameterInvalid("limit is a number", parameter="limit"))
    assert (answer.status_code, answer["Content-Type"]) == (400, CONTENT_TYPE)
    assert json.loads(answer.content) == {
        "type": "/api/problems#invalid-parameter",
        "title": "Invalid parameter",
        "status": 400,
        "detail": "limit is a number",
        "parameter": "limit",
    }
    record = json.loads(problem_response(BadRecord("late", "too late", field="at")).content)
    assert (record["status"], record["field"], record["reason"]) == (422, "at", "late")


def test_an_unknown_error_tells_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    answer = problem_response(ValueError("the password is x"))
    assert json.loads(answer.content) == {
        "type": "/api/problems#internal-server-error",
        "title": "Internal server error",
        "status": 500,
    }
    assert "the password is x" in caplog.text


def wrapped(cause: psycopg.Error, kind: type[Exception]) -> Exception:
    error = kind(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (psycopg.OperationalError("no route"), "database-unavailable"),
        (wrapped(psycopg.OperationalError("no route"), OperationalError), "database-unavailable"),
        (psycopg.errors.AdminShutdown("bye"), "database-unavailable"),
        (wrapped(psycopg.errors.TooManyConnections("full"), OperationalError), "database-unavailable"),
        (wrapped(psycopg.errors.DeadlockDetected("ring"), OperationalError), "database-unavailable"),
        (wrapped(psycopg.errors.QueryCanceled("slow"), OperationalError), "query-timeout"),
        (wrapped(psycopg.errors.UndefinedColumn("gone"), ProgrammingError), "contract-changing"),
        (psycopg.errors.UndefinedTable("gone"), "contract-changing"),
        (wrapped(psycopg.errors.SyntaxError("ours"), ProgrammingError), "internal-server-error"),
        (wrapped(psycopg.errors.InsufficientPrivilege("ours"), ProgrammingError), "internal-server-error"),
    ],
)
def test_what_postgresql_says_becomes_a_reaction(error: Exception, slug: str) -> None:
    answer = problem_response(error)
    assert json.loads(answer.content)["type"].endswith(f"#{slug}")
    assert ("Retry-After" in answer) == (answer.status_code == 503)


def test_the_nearest_base_answers_for_a_new_error() -> None:
    class Odd(ParameterInvalid):
        """An odd parameter."""

    assert problem_type_of(Odd()).slug == "invalid-parameter"
