"""The base of all API views: authentication, problem details, and one retry when a contract changes."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import quote, unquote_to_bytes

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api.access.authentication import KeyAuthentication
from apps.api.access.selectors import AccessScope, Caller, access_get, access_refresh
from apps.api.errors import MediaTypeUnsupported, ParameterInvalid
from apps.api.metrics import REQUESTS, SECONDS
from apps.api.problems import problem_response
from apps.api.records.adapters.database_errors import ContractOutdated
from apps.api.views.media_types import JSON
from apps.telemetry import prometheus

Result = TypeVar("Result")
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ApiView(APIView):
    """A view that requires a key and returns every error as problem details."""

    authentication_classes = [KeyAuthentication]
    permission_classes = []
    parser_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    operation = "unknown"
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """JSON, whatever Accept asks for: each export format has its own URL."""
        return JSONRenderer(), JSON

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Dispatch the request, and count and time it."""
        started = perf_counter()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        operation = "write" if request.method in WRITES else self.operation
        # Only datasets granted to the key become labels, so that requests cannot create new time series.
        name = kwargs.get("name", "")
        found = getattr(self.request, "_user", None)
        dataset = name if isinstance(found, Caller) and name in found.grants else ""
        client_class = found.client_class if isinstance(found, Caller) else "none"
        status = f"{response.status_code // 100}xx"
        requests = prometheus.counter(REQUESTS)
        # Initialize to 0, so that increase() sees the first failures.
        requests.labels(dataset, operation, "5xx", client_class)
        requests.labels(dataset, operation, status, client_class).inc()
        prometheus.histogram(SECONDS).labels(operation, client_class).observe(perf_counter() - started)
        return response

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """The error as problem details."""
        headers = {}
        if getattr(exc, "status_code", 0) == 405:
            headers["Allow"] = ", ".join(self.allowed_methods)
        if isinstance(exc, MediaTypeUnsupported):
            headers["Accept-Patch" if self.request.method == "PATCH" else "Accept"] = ", ".join(exc.supported)
        return problem_response(exc, headers=headers)


class NotFoundView(ApiView):
    """Any unknown URL below /api/: 404 with a key, 401 without."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then raise NotFound. Raises AuthenticationRequired."""
        super().initial(request, *args, **kwargs)
        raise NotFound("no such URL; see /api/docs")


def caller(request: Request) -> Caller:
    """The authenticated caller."""
    found: Any = request.user
    assert isinstance(found, Caller)  # noqa: S101  KeyAuthentication returns nothing else
    return found


def with_access(request: Request, name: str, operation: Callable[[AccessScope], Result]) -> Result:
    """Call `operation` with the caller's access to the dataset; retry once if the contract changed meanwhile.

    Raises DatasetNotFound, DatasetUnreadable, and what `operation` raises.
    """
    try:
        return operation(access_get(caller(request), name))
    except ContractOutdated:
        return operation(access_refresh(caller(request), name))


def pairs(request: Request) -> list[tuple[str, str]]:
    """The query parameters in order, including repeated ones.

    Raises ParameterInvalid: not UTF-8. Django would substitute U+FFFD, which matches nothing.
    """
    query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    for part in query.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            name = part.partition(b"=")[0].decode("ascii", "replace")
            raise ParameterInvalid("not valid UTF-8", parameter=name) from None
    return [(name, text) for name, texts in request.query_params.lists() for text in texts]


def json_response(text: str | bytes, *, status: int = 200) -> HttpResponse:
    """A response with encoded JSON. Only private caches may store it."""
    response = HttpResponse(text, content_type=JSON, status=status)
    response["Cache-Control"] = "private, no-cache"
    return response


def dataset_path(name: str) -> str:
    """The path of the dataset."""
    return f"/api/v1/datasets/{quote(name, safe='')}"
