"""The HTTP response to every error, as RFC 9457 problem details."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.views.defaults import bad_request
from rest_framework import exceptions as drf

from apps.api import errors
from apps.api.records.adapters.database_errors import ContractOutdated, api_error
from apps.datasets.core.errors import BadRecord, RecordFault, StoreUnavailable
from apps.telemetry.request_ids import request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A problem type. `slug` is the fragment of its type URI; `headers` are added to every response."""

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
    ContractOutdated: ProblemType("contract-changing", "Contract is changing", 503, RETRY),
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
"""By exception class. A class that is missing here is mapped like its nearest base."""

TRACED: Final = (INTERNAL, PROBLEM_TYPES[ContractOutdated])
"""Problems that may be caused by a bug in Andén: logged with traceback."""


def problem_type_of(error: Exception) -> ProblemType:
    """The kind of problem that an error is."""
    return next((PROBLEM_TYPES[kind] for kind in type(error).__mro__ if kind in PROBLEM_TYPES), INTERNAL)


def problem_response(error: Exception, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The response to an error. The cause of an unexpected error goes only to the log."""
    known = api_error(error) or error
    problem = problem_type_of(known)
    if problem.status >= 500:
        logger.error("request failed: %s", problem.title, exc_info=error if problem in TRACED else None)
    members: dict[str, Any] = {
        "type": f"/api/problems#{problem.slug}",
        "title": problem.title,
        "status": problem.status,
    }
    members |= _details(known) if problem is not INTERNAL else {}
    if identifier := request_id():
        # The id under which the log and the trace record the request.
        members["instance"] = f"urn:anden:request:{identifier}"
    response = HttpResponse(msgspec.json.encode(members), content_type=CONTENT_TYPE, status=problem.status)
    for name, value in (*problem.headers, *(headers or {}).items()):
        response[name] = value
    return response


def request_refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The response to a request that Django rejects: problem details below /api/, otherwise Django's error page."""
    if not request.path_info.startswith("/api/"):
        return bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        exception = SuspiciousOperation("the Host header does not match this instance")
    return problem_response(exception)


def _details(error: Exception) -> dict[str, Any]:
    found = {
        "detail": str(error),
        "parameter": getattr(error, "parameter", ""),
        "field": getattr(error, "field", ""),
        "reason": error.reason if isinstance(error, BadRecord) else "",
        "errors": _errors(error.faults) if isinstance(error, BadRecord) else [],
    }
    return {name: value for name, value in found.items() if value}


def _errors(faults: Sequence[RecordFault]) -> list[dict[str, str]]:
    """Every fault of the record, with the names that the problem itself has."""
    found = [{"detail": fault.message, "field": fault.field, "reason": fault.reason} for fault in faults]
    return [{name: text for name, text in one.items() if text} for one in found]
