"""Metrics of the Application Load Balancer.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import LATENCIES, MAXIMUM, MINIMUM, SUM, family

BALANCER: Final = ("LoadBalancer",)
TARGETS: Final = ("TargetGroup", "LoadBalancer")

_QUIET = "No requests means no data, not zero; health checks are not counted."

BALANCER_METRICS: Final = family(
    "balancer",
    "AWS/ApplicationELB",
    (
        "balancer_response_time",
        "TargetResponseTime",
        LATENCIES,
        "Seconds",
        BALANCER,
        "Target response time",
        "Measured to the first byte of the headers; no requests means no data, not zero.",
    ),
    ("balancer_requests", "RequestCount", SUM, "Count", BALANCER, "Requests", _QUIET),
    (
        "balancer_target_errors",
        "HTTPCode_Target_5XX_Count",
        SUM,
        "Count",
        BALANCER,
        "Server errors from targets",
        "Absent while there are no errors: missing data means neither an outage nor health.",
    ),
    (
        "balancer_own_errors",
        "HTTPCode_ELB_5XX_Count",
        SUM,
        "Count",
        BALANCER,
        "Server errors from the balancer",
        "Excludes the targets' own errors; absent at zero.",
    ),
    (
        "balancer_unhealthy_hosts",
        "UnHealthyHostCount",
        MAXIMUM,
        "Count",
        TARGETS,
        "Unhealthy targets",
        "Absent without health checks, and zero for a group without targets.",
    ),
    (
        "balancer_healthy_hosts",
        "HealthyHostCount",
        MINIMUM,
        "Count",
        TARGETS,
        "Healthy targets",
        "Each zone's balancer counts separately: the minimum is the worst zone.",
    ),
)
