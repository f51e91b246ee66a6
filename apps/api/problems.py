"""Every error's answer over HTTP, as RFC 9457 problem details: the one place."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.views.defaults import bad_request
from rest_framework import exceptions as drf

from apps.api import errors
from apps.api.records.adapters.refusals import ContractMoved, reaction
from apps.datasets.core.errors import BadRecord, StoreUnavailable
from apps.telemetry.request_ids import request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: `slug` ends its type's address, `headers` always come with it."""

    slug: str
    title: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()


RETRY: Final = (("Retry-After", "5"),)
INTERNAL: Final = Problem("internal", "Andén failed", 500)

PROBLEMS: Final[dict[type[Exception], Problem]] = {
    errors.KeyMissing: Problem("key-missing", "No valid key", 401, (("WWW-Authenticate", 'Bearer realm="anden"'),)),
    errors.ParameterInvalid: Problem("parameter-invalid", "A parameter is wrong", 400),
    errors.HeaderInvalid: Problem("header-invalid", "A header is wrong", 400),
    errors.QueryTooSlow: Problem("query-too-slow", "The query takes too long", 400),
    errors.AnswerTooLarge: Problem("answer-too-large", "The answer is too large", 400),
    errors.ActionRefused: Problem("action-refused", "The key may not do this", 403),
    errors.DatasetHidden: Problem("dataset-unknown", "No such dataset", 404),
    errors.RecordUnknown: Problem("record-unknown", "No such record", 404),
    errors.DatasetReadOnly: Problem("dataset-read-only", "The dataset takes no writes", 405, (("Allow", "GET"),)),
    errors.RecordExists: Problem("record-exists", "The record exists", 409),
    errors.ValueTaken: Problem("value-taken", "A value must be unique", 409),
    errors.RecordNewer: Problem("record-newer", "The stored record is newer", 409),
    errors.RevisionStale: Problem("revision-stale", "The record is in another state", 412),
    errors.BodyTooLarge: Problem("body-too-large", "The body is too large", 413),
    errors.BodyNotJson: Problem("body-not-json", "The body is not JSON", 415),
    errors.BodyEncoded: Problem("body-encoded", "The body is encoded", 415, (("Accept-Encoding", "identity"),)),
    BadRecord: Problem("record-invalid", "The record breaks its contract", 422),
    errors.DatasetUnreadable: Problem("contract-unreadable", "The dataset's contract cannot be read", 503, RETRY),
    ContractMoved: Problem("contract-changing", "The contract is being changed", 503, RETRY),
    errors.ExportsBusy: Problem("exports-busy", "All exports are taken", 503, RETRY),
    errors.RecordBusy: Problem("record-busy", "Another writer holds the record", 503, RETRY),
    errors.WriteTooSlow: Problem("write-too-slow", "The write takes too long", 503, RETRY),
    errors.StoreAway: Problem("store-away", "The database is away", 503, RETRY),
    StoreUnavailable: Problem("store-away", "The database is away", 503, RETRY),
    SuspiciousOperation: Problem("request-refused", "The request is wrong", 400),
    drf.NotFound: Problem("not-found", "No such address", 404),
    Http404: Problem("not-found", "No such address", 404),
    drf.MethodNotAllowed: Problem("method-not-allowed", "The address does not take this method", 405),
    drf.NotAcceptable: Problem("not-acceptable", "No such format", 406),
    drf.UnsupportedMediaType: Problem("body-not-json", "The body is not JSON", 415),
    drf.Throttled: Problem("throttled", "Too many requests", 429),
    drf.APIException: Problem("request-refused", "The request is wrong", 400),
}
"""By the error's class; a class that is not here is answered as its nearest base is."""

TRACED: Final = (INTERNAL, PROBLEMS[ContractMoved])
"""Problems whose cause may be a fault of ours: the log gets the traceback."""


def problem_of(error: Exception) -> Problem:
    """The kind of problem that an error is."""
    return next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), INTERNAL)


def problem_response(error: Exception, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer to an error; of an unknown one the log knows the cause, and the caller only that it happened."""
    known = reaction(error) or error
    problem = problem_of(known)
    if problem.status >= 500:
        logger.error("A request failed: %s", problem.title, exc_info=error if problem in TRACED else None)
    members: dict[str, Any] = {
        "type": f"/api/problems#{problem.slug}",
        "title": problem.title,
        "status": problem.status,
    }
    members |= _details(known) if problem is not INTERNAL else {}
    if identifier := request_id():
        # What a caller quotes, and what the log and the trace know it by.
        members["instance"] = f"urn:anden:request:{identifier}"
    response = HttpResponse(msgspec.json.encode(members), content_type=CONTENT_TYPE, status=problem.status)
    for name, value in (*problem.headers, *(headers or {}).items()):
        response[name] = value
    return response


def request_refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer to a request that Django refuses before any view: problem details below /api/, else Django's page."""
    if not request.path_info.startswith("/api/"):
        return bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        exception = SuspiciousOperation("the header Host names no host of this station")
    return problem_response(exception)


def _details(error: Exception) -> dict[str, str]:
    found = {
        "detail": str(error),
        "parameter": getattr(error, "parameter", ""),
        "field": getattr(error, "field", ""),
        "reason": error.reason if isinstance(error, BadRecord) else "",
    }
    return {name: text for name, text in found.items() if text}
