"""What is read of the Application Load Balancer.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import LATENCIES, MAXIMUM, MINIMUM, SUM, family

BALANCER: Final = ("LoadBalancer",)
TARGETS: Final = ("TargetGroup", "LoadBalancer")

_QUIET = "Without requests there is no data, which is not zero; health checks are not counted."

BALANCER_METRICS: Final = family(
    "balancer",
    "AWS/ApplicationELB",
    (
        "balancer_response_time",
        "TargetResponseTime",
        LATENCIES,
        "Seconds",
        BALANCER,
        "Response time of targets",
        "It ends with the first byte of the headers; without requests there is no data, which is not zero.",
    ),
    ("balancer_requests", "RequestCount", SUM, "Count", BALANCER, "Requests", _QUIET),
    (
        "balancer_target_errors",
        "HTTPCode_Target_5XX_Count",
        SUM,
        "Count",
        BALANCER,
        "Server errors of targets",
        "Absent while there are none: missing is no error here, and no proof of health either.",
    ),
    (
        "balancer_own_errors",
        "HTTPCode_ELB_5XX_Count",
        SUM,
        "Count",
        BALANCER,
        "Server errors of the balancer",
        "Those that targets answer with are not in it; absent while there are none.",
    ),
    (
        "balancer_unhealthy_hosts",
        "UnHealthyHostCount",
        MAXIMUM,
        "Count",
        TARGETS,
        "Unhealthy targets",
        "Absent without health checks, and zero for a group that has no targets at all.",
    ),
    (
        "balancer_healthy_hosts",
        "HealthyHostCount",
        MINIMUM,
        "Count",
        TARGETS,
        "Healthy targets",
        "Each zone's balancer counts for itself: the minimum shows the zone that is worst off.",
    ),
)
