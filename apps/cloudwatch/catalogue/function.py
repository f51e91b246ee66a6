"""What is read of Lambda.

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
        "Throttled requests never become invocations and are not in it.",
    ),
    (
        "function_errors",
        "Errors",
        SUM,
        "Count",
        FUNCTION,
        "Errors",
        "The time of a point is when the function was invoked, not when it failed: late by up to the timeout.",
    ),
    (
        "function_throttles",
        "Throttles",
        SUM,
        "Count",
        FUNCTION,
        "Throttled invocations",
        "Counted as neither invocations nor errors: an error ratio does not show them.",
    ),
    (
        "function_duration",
        "Duration",
        LATENCIES,
        "Milliseconds",
        FUNCTION,
        "Duration",
        "Milliseconds of the handler; the time of a cold start is not in it.",
    ),
    (
        "function_concurrency",
        "ConcurrentExecutions",
        MAXIMUM,
        "Count",
        FUNCTION,
        "Concurrent executions",
        "All functions of an account and region share one limit unless some is reserved.",
    ),
    (
        "function_offset_lag",
        "OffsetLag",
        MAXIMUM,
        "Count",
        FUNCTION,
        "Kafka lag of the function",
        "Only functions with a Kafka event source have it; it counts records, not time.",
    ),
)
