"""What all views of the API share: the key, the problems, and one more try when a contract moved on."""

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
from apps.api.records.adapters.database_errors import ContractChanged
from apps.api.views.media_types import JSON
from apps.telemetry import prometheus

Answer = TypeVar("Answer")
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ApiView(APIView):
    """A view that asks for a key and answers every error as problem details."""

    authentication_classes = [KeyAuthentication]
    permission_classes = []
    parser_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    operation = "unknown"
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """JSON, whatever is asked for: each format of exports has an address of its own."""
        return JSONRenderer(), JSON

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer, counted and timed."""
        started = perf_counter()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        operation = "write" if request.method in WRITES else self.operation
        # Only names that the key reaches become labels: nobody can fill the metrics by asking.
        name = kwargs.get("name", "")
        found = getattr(self.request, "_user", None)
        dataset = name if isinstance(found, Caller) and name in found.grants else ""
        client_class = found.client_class if isinstance(found, Caller) else "none"
        status = f"{response.status_code // 100}xx"
        requests = prometheus.counter(REQUESTS)
        # At zero first: a burst of failures that is the first of its kind would else look like no rise at all.
        requests.labels(dataset, operation, "5xx", client_class)
        requests.labels(dataset, operation, status, client_class).inc()
        prometheus.histogram(SECONDS).labels(operation, client_class).observe(perf_counter() - started)
        return response

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """The problem that the error is."""
        headers = {}
        if getattr(exc, "status_code", 0) == 405:
            headers["Allow"] = ", ".join(self.allowed_methods)
        if isinstance(exc, MediaTypeUnsupported):
            headers["Accept-Patch" if self.request.method == "PATCH" else "Accept"] = ", ".join(exc.taken)
        return problem_response(exc, headers=headers)


class NotFoundView(ApiView):
    """Every address below /api/ that is none: 404 with a key, 401 without."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask for the key, then say that there is nothing here. Raises AuthenticationRequired, NotFound."""
        super().initial(request, *args, **kwargs)
        raise NotFound("there is nothing at this address; /api/docs says what there is")


def caller(request: Request) -> Caller:
    """The client that sent the request."""
    found: Any = request.user
    assert isinstance(found, Caller)  # noqa: S101  KeyAuthentication answers with nothing else
    return found


def with_access(request: Request, name: str, answer: Callable[[AccessScope], Answer]) -> Answer:
    """The answer with the dataset's contract as it stands, asked once more where it moved on meanwhile.

    Raises DatasetNotFound, and what the answer raises.
    """
    try:
        return answer(access_get(caller(request), name))
    except ContractChanged:
        return answer(access_refresh(caller(request), name))


def pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of the address, in order, repeated ones too.

    Raises ParameterInvalid: it holds bytes that are no text, for which Django would put a mark that matches nothing.
    """
    address = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    for part in address.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            name = part.partition(b"=")[0].decode("ascii", "replace")
            raise ParameterInvalid("it is no text in UTF-8", parameter=name) from None
    return [(name, text) for name, texts in request.query_params.lists() for text in texts]


def json_response(text: str | bytes, *, status: int = 200) -> HttpResponse:
    """JSON that is written already. Only the key's owner may keep it."""
    response = HttpResponse(text, content_type=JSON, status=status)
    response["Cache-Control"] = "private, no-cache"
    return response


def dataset_path(name: str) -> str:
    """The dataset's address."""
    return f"/api/v1/datasets/{quote(name, safe='')}"
