"""Metrics of API Gateway, HTTP and REST APIs.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, LATENCIES, SUM, family

HTTP_API: Final = ("ApiId", "Stage")
REST_API: Final = ("ApiName", "Stage")

_HTTP = "HTTP APIs only: a REST API reports {} instead."
_REST = "REST APIs only: an HTTP API reports {} instead."

GATEWAY_METRICS: Final = family(
    "gateway",
    "AWS/ApiGateway",
    ("gateway_requests", "Count", SUM, "Count", HTTP_API, "Requests", "No requests means no data, not zero."),
    (
        "gateway_latency",
        "Latency",
        LATENCIES,
        "Milliseconds",
        HTTP_API,
        "Latency",
        "Milliseconds, including the integration; the rest above IntegrationLatency is the gateway's.",
    ),
    (
        "gateway_integration_latency",
        "IntegrationLatency",
        ("p95",),
        "Milliseconds",
        HTTP_API,
        "Integration latency",
        "Absent for requests that the gateway answered itself, such as rejected ones.",
    ),
    ("gateway_client_errors", "4xx", SUM, "Count", HTTP_API, "Client errors", _HTTP.format("4XXError")),
    ("gateway_server_errors", "5xx", SUM, "Count", HTTP_API, "Server errors", _HTTP.format("5XXError")),
    (
        "rest_requests",
        "Count",
        ("SampleCount",),
        "Count",
        REST_API,
        "Requests (REST API)",
        "The dimension is the API's name without non-ASCII characters; for HTTP APIs it is the id.",
    ),
    (
        "rest_latency",
        "Latency",
        LATENCIES,
        "Milliseconds",
        REST_API,
        "Latency (REST API)",
        "Milliseconds, including the integration; the rest above IntegrationLatency is the gateway's.",
    ),
    (
        "rest_integration_latency",
        "IntegrationLatency",
        ("p95",),
        "Milliseconds",
        REST_API,
        "Integration latency (REST API)",
        "Absent for requests that the gateway answered itself, such as rejected ones.",
    ),
    ("rest_client_errors", "4XXError", AVERAGE, "Count", REST_API, "Client error ratio", _REST.format("4xx")),
    ("rest_server_errors", "5XXError", AVERAGE, "Count", REST_API, "Server error ratio", _REST.format("5xx")),
)
