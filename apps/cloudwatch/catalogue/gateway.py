"""What is read of API Gateway, HTTP and REST APIs.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import AVERAGE, LATENCIES, SUM, family

HTTP_API: Final = ("ApiId", "Stage")
REST_API: Final = ("ApiName", "Stage")

_HTTP = "Named so for HTTP APIs only: a REST API reports {} instead."
_REST = "Named so for REST APIs only: an HTTP API reports {} instead."

GATEWAY_METRICS: Final = family(
    "gateway",
    "AWS/ApiGateway",
    ("gateway_requests", "Count", SUM, "Count", HTTP_API, "Requests", "Without requests there is no data, not zero."),
    (
        "gateway_latency",
        "Latency",
        LATENCIES,
        "Milliseconds",
        HTTP_API,
        "Latency",
        "Milliseconds, the integration included; what exceeds IntegrationLatency is the gateway's own.",
    ),
    (
        "gateway_integration_latency",
        "IntegrationLatency",
        ("p95",),
        "Milliseconds",
        HTTP_API,
        "Latency of the integration",
        "Absent for requests that the gateway answered by itself, such as refused ones.",
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
        "The dimension is the API's name without its non-ASCII characters, not its id as for an HTTP API.",
    ),
    (
        "rest_latency",
        "Latency",
        LATENCIES,
        "Milliseconds",
        REST_API,
        "Latency (REST API)",
        "Milliseconds, the integration included; what exceeds IntegrationLatency is the gateway's own.",
    ),
    (
        "rest_integration_latency",
        "IntegrationLatency",
        ("p95",),
        "Milliseconds",
        REST_API,
        "Latency of the integration (REST API)",
        "Absent for requests that the gateway answered by itself, such as refused ones.",
    ),
    ("rest_client_errors", "4XXError", AVERAGE, "Count", REST_API, "Share of client errors", _REST.format("4xx")),
    ("rest_server_errors", "5XXError", AVERAGE, "Count", REST_API, "Share of server errors", _REST.format("5xx")),
)
