"""Before everything else: answers to probes and Prometheus, and the id and the trace of every other request."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.telemetry.request_ids import ATTRIBUTE, HEADER, request_context, valid_request_id
from apps.telemetry.tracing.current import tracing
from apps.telemetry.tracing.port import AttributeValue, OpenSpan, span_scope
from apps.telemetry.urls import urlpatterns


class MonitoringEndpointsMiddleware:
    """Serves monitoring's addresses before host names are checked and requests are measured.

    A kubelet and Prometheus call a pod by its address, which is in nobody's ALLOWED_HOSTS, and their calls
    would drown the latencies of real requests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._views = {f"/{pattern.pattern}": pattern.callback for pattern in urlpatterns}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of monitoring, or of everything that follows."""
        view = self._views.get(request.path_info)
        if view is None:
            return self._get_response(request)
        answer: HttpResponseBase = view(request)
        return answer


class RequestTracingMiddleware:
    """Gives each request its id, and where tracing is on its span, until the last piece of the answer is sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with the request's id in a header."""
        identifier = valid_request_id(request.headers.get(HEADER, ""))
        setattr(request, ATTRIBUTE, identifier)
        span = tracing().begin(request.method or "", server=True, traceparent=request.headers.get("traceparent", ""))
        with request_context(identifier), span_scope(span):
            response = self._get_response(request)
        response[HEADER] = identifier
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            pieces = iter(response)  # before it is replaced, or the answer would ask itself
            response.streaming_content = _traced_chunks(request, response, pieces, identifier=identifier, span=span)
        elif span is not None:
            span.end(_span_attributes(request, response, identifier), error=_error_type(response))
        return response


def _traced_chunks(
    request: HttpRequest,
    response: StreamingHttpResponse,
    pieces: Iterator[Any],
    *,
    identifier: str,
    span: OpenSpan | None,
) -> Iterator[bytes]:
    """The answer's pieces, each made inside of the request; its span ends behind the last, or where they break off."""
    error = "unfinished"
    try:
        while True:
            with request_context(identifier), span_scope(span):
                piece = next(pieces, None)
            if piece is None:
                error = _error_type(response)
                return
            yield piece
    finally:
        if span is not None:
            span.end(_span_attributes(request, response, identifier), error=error)


def _span_attributes(request: HttpRequest, response: HttpResponseBase, identifier: str) -> dict[str, AttributeValue]:
    """What the span says: the route, never the address, which may hold what somebody asked for.

    Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    """
    method = request.method or ""
    match = request.resolver_match
    route = {} if match is None else {"http.route": f"/{match.route}"}
    return {
        **route,
        "anden.name": " ".join([method, *route.values()]),
        "anden.request_id": identifier,
        "http.request.method": method,
        "http.response.status_code": response.status_code,
    }


def _error_type(response: HttpResponseBase) -> str:
    """What is wrong with the answer; "" when nothing of ours is."""
    return str(response.status_code) if response.status_code >= 500 else ""
