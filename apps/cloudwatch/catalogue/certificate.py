"""Metrics of ACM.

Source: https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html
"""

from typing import Final

from apps.cloudwatch.catalogue.family import MINIMUM, family

CERTIFICATE: Final = ("CertificateArn",)

CERTIFICATE_METRICS: Final = family(
    "certificate",
    "AWS/CertificateManager",
    (
        "certificate_days",
        "DaysToExpiry",
        MINIMUM,
        "Count",
        CERTIFICATE,
        "Days until a certificate expires",
        "Two points a day, so query two days or more; an expired certificate has none.",
    ),
)
