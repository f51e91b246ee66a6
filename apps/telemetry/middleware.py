"""Middleware that runs first: probes and Prometheus get their responses, every other request its id and trace."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.telemetry.request_ids import ATTRIBUTE, HEADER, request_context, valid_request_id
from apps.telemetry.tracing.current import tracing
from apps.telemetry.tracing.port import AttributeValue, OpenSpan, span_scope
from apps.telemetry.urls import urlpatterns


class MonitoringEndpointsMiddleware:
    """Serves the monitoring endpoints before host names are checked and requests are measured.

    A kubelet and Prometheus call a pod by its IP, which is not in ALLOWED_HOSTS, and their calls would drown the
    latencies of real requests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._views = {f"/{pattern.pattern}": pattern.callback for pattern in urlpatterns}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve a monitoring endpoint, or pass the request on."""
        view = self._views.get(request.path_info)
        if view is None:
            return self._get_response(request)
        answer: HttpResponseBase = view(request)
        return answer


class RequestTracingMiddleware:
    """Gives each request an id and, if tracing is on, a span that ends with the last chunk of the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; its id becomes a header of the response."""
        identifier = valid_request_id(request.headers.get(HEADER, ""))
        setattr(request, ATTRIBUTE, identifier)
        span = tracing().begin(request.method or "", server=True, traceparent=request.headers.get("traceparent", ""))
        with request_context(identifier), span_scope(span):
            response = self._get_response(request)
        response[HEADER] = identifier
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            pieces = iter(response)  # taken before it is replaced: the response would iterate itself
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
    """The response's chunks, each produced within the request's context; the span ends after the last, or on a
    break."""
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
    """Span attributes: the route, never the URL, whose parameters may be confidential.

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
    """The status as the span's error type; "" unless it is a server error."""
    return str(response.status_code) if response.status_code >= 500 else ""
