"""Metrics that alerts read and others export: Prometheus itself, the kubelet, blackbox exporter."""

from typing import Final

from apps.datasets.core.metric import Metric

UP: Final = Metric("up", "1 when the last scrape of the target succeeded.", "gauge")
VOLUME_AVAILABLE: Final = Metric(
    "kubelet_volume_stats_available_bytes",
    "Bytes left on a volume.",
    "gauge",
    labels=("persistentvolumeclaim",),
)
VOLUME_CAPACITY: Final = Metric(
    "kubelet_volume_stats_capacity_bytes",
    "Bytes that a volume holds.",
    "gauge",
    labels=("persistentvolumeclaim",),
)
CERTIFICATE_UNTIL: Final = Metric(
    "probe_ssl_earliest_cert_expiry",
    "When the first certificate of the chain ends, Unix time; from blackbox exporter.",
    "gauge",
)
