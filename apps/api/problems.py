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
from apps.api.records.adapters.database_errors import ContractChanged, api_error
from apps.datasets.core.errors import BadRecord, StoreUnavailable
from apps.telemetry.request_ids import request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: `slug` ends its type's address, `headers` always come with it."""

    slug: str
    title: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()


RETRY: Final = (("Retry-After", "5"),)
INTERNAL: Final = ProblemType("internal-server-error", "Internal server error", 500)

PROBLEM_TYPES: Final[dict[type[Exception], ProblemType]] = {
    errors.AuthenticationRequired: ProblemType(
        "authentication-required", "Authentication required", 401, (("WWW-Authenticate", 'Bearer realm="anden"'),)
    ),
    errors.ParameterInvalid: ProblemType("invalid-parameter", "Invalid parameter", 400),
    errors.HeaderInvalid: ProblemType("invalid-header", "Invalid header", 400),
    errors.QueryTimeout: ProblemType("query-timeout", "Query timed out", 400),
    errors.ResponseTooLarge: ProblemType("response-too-large", "Response too large", 400),
    errors.ActionForbidden: ProblemType("permission-denied", "Permission denied", 403),
    errors.DatasetNotFound: ProblemType("dataset-not-found", "Dataset not found", 404),
    errors.RecordNotFound: ProblemType("record-not-found", "Record not found", 404),
    errors.DatasetReadOnly: ProblemType("dataset-read-only", "Dataset is read-only", 405, (("Allow", "GET"),)),
    errors.RecordExists: ProblemType("record-exists", "Record already exists", 409),
    errors.DuplicateValue: ProblemType("duplicate-value", "Duplicate value", 409),
    errors.StaleWrite: ProblemType("stale-write", "Stored record is newer", 409),
    errors.PreconditionFailed: ProblemType("precondition-failed", "Precondition failed", 412),
    errors.BodyTooLarge: ProblemType("body-too-large", "Body too large", 413),
    errors.MediaTypeUnsupported: ProblemType("unsupported-media-type", "Unsupported media type", 415),
    errors.ContentEncodingUnsupported: ProblemType(
        "unsupported-content-encoding", "Unsupported content encoding", 415, (("Accept-Encoding", "identity"),)
    ),
    BadRecord: ProblemType("invalid-record", "Record violates its contract", 422),
    errors.DatasetUnreadable: ProblemType("contract-unreadable", "Contract unreadable", 503, RETRY),
    ContractChanged: ProblemType("contract-changing", "Contract is changing", 503, RETRY),
    errors.TooManyExports: ProblemType("too-many-exports", "Too many concurrent exports", 503, RETRY),
    errors.RecordLocked: ProblemType("record-locked", "Record locked by another write", 503, RETRY),
    errors.WriteTimeout: ProblemType("write-timeout", "Write timed out", 503, RETRY),
    errors.DatabaseUnavailable: ProblemType("database-unavailable", "Database unavailable", 503, RETRY),
    StoreUnavailable: ProblemType("database-unavailable", "Database unavailable", 503, RETRY),
    SuspiciousOperation: ProblemType("bad-request", "Bad request", 400),
    drf.NotFound: ProblemType("not-found", "Not found", 404),
    Http404: ProblemType("not-found", "Not found", 404),
    drf.MethodNotAllowed: ProblemType("method-not-allowed", "Method not allowed", 405),
    drf.NotAcceptable: ProblemType("not-acceptable", "Not acceptable", 406),
    drf.UnsupportedMediaType: ProblemType("unsupported-media-type", "Unsupported media type", 415),
    drf.Throttled: ProblemType("too-many-requests", "Too many requests", 429),
    drf.APIException: ProblemType("bad-request", "Bad request", 400),
}
"""By the error's class; a class that is not here is answered as its nearest base is."""

TRACED: Final = (INTERNAL, PROBLEM_TYPES[ContractChanged])
"""Problems whose cause may be a fault of ours: the log gets the traceback."""


def problem_type_of(error: Exception) -> ProblemType:
    """The kind of problem that an error is."""
    return next((PROBLEM_TYPES[kind] for kind in type(error).__mro__ if kind in PROBLEM_TYPES), INTERNAL)


def problem_response(error: Exception, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer to an error; of an unknown one the log knows the cause, and the caller only that it happened."""
    known = api_error(error) or error
    problem = problem_type_of(known)
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
