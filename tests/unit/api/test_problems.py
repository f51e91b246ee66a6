"""Every error maps to problem details, and none leaks internals."""

import inspect
import json

import psycopg
import pytest
from django.db.utils import OperationalError, ProgrammingError

from apps.api import errors
from apps.api.errors import ApiError, ClientInvalid, ParameterInvalid
from apps.api.problems import CONTENT_TYPE, PROBLEM_TYPES, problem_response, problem_type_of
from apps.datasets.core.errors import BadRecord


def test_every_api_error_has_a_problem_type() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ApiError)]
    assert len(kinds) >= 10
    for kind in kinds:
        if kind not in {ApiError, ClientInvalid}:  # the latter is for commands
            assert kind in PROBLEM_TYPES, kind


def test_a_slug_always_has_the_same_status_and_title() -> None:
    seen = {problem.slug: (problem.status, problem.title) for problem in PROBLEM_TYPES.values()}
    assert all(seen[problem.slug] == (problem.status, problem.title) for problem in PROBLEM_TYPES.values())


def test_a_problem_names_the_parameter_or_field_at_fault() -> None:
    response = problem_response(ParameterInvalid("limit is a number", parameter="limit"))
    assert (response.status_code, response["Content-Type"]) == (400, CONTENT_TYPE)
    assert json.loads(response.content) == {
        "type": "/api/problems#invalid-parameter",
        "title": "Invalid parameter",
        "status": 400,
        "detail": "limit is a number",
        "parameter": "limit",
    }
    record = json.loads(problem_response(BadRecord("late", "too late", field="at")).content)
    assert (record["status"], record["field"], record["reason"]) == (422, "at", "late")


def test_an_unexpected_error_is_described_only_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    response = problem_response(ValueError("the password is x"))
    assert json.loads(response.content) == {
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
        (wrapped(psycopg.errors.SyntaxError("bug"), ProgrammingError), "internal-server-error"),
        (wrapped(psycopg.errors.InsufficientPrivilege("bug"), ProgrammingError), "internal-server-error"),
    ],
)
def test_a_database_error_becomes_a_problem_type(error: Exception, slug: str) -> None:
    response = problem_response(error)
    assert json.loads(response.content)["type"].endswith(f"#{slug}")
    assert ("Retry-After" in response) == (response.status_code == 503)


def test_a_new_error_is_mapped_like_its_nearest_base() -> None:
    class Odd(ParameterInvalid):
        """An odd parameter."""

    assert problem_type_of(Odd()).slug == "invalid-parameter"
