"""Metrics of Lambda.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import LATENCIES, MAXIMUM, SUM, family

FUNCTION: Final = ("FunctionName",)

FUNCTION_METRICS: Final = family(
    "function",
    "AWS/Lambda",
    (
        "function_invocations",
        "Invocations",
        SUM,
        "Count",
        FUNCTION,
        "Invocations",
        "Excludes throttled requests.",
    ),
    (
        "function_errors",
        "Errors",
        SUM,
        "Count",
        FUNCTION,
        "Errors",
        "Timestamped by invocation, not by failure: points arrive late by up to the timeout.",
    ),
    (
        "function_throttles",
        "Throttles",
        SUM,
        "Count",
        FUNCTION,
        "Throttled invocations",
        "Neither invocations nor errors: an error ratio does not include them.",
    ),
    (
        "function_duration",
        "Duration",
        LATENCIES,
        "Milliseconds",
        FUNCTION,
        "Duration",
        "Milliseconds in the handler, without cold starts.",
    ),
    (
        "function_concurrency",
        "ConcurrentExecutions",
        MAXIMUM,
        "Count",
        FUNCTION,
        "Concurrent executions",
        "All functions of an account and region share one limit, unless concurrency is reserved.",
    ),
    (
        "function_offset_lag",
        "OffsetLag",
        MAXIMUM,
        "Count",
        FUNCTION,
        "Kafka lag of the function",
        "Only for functions with a Kafka event source; in records, not in time.",
    ),
)
