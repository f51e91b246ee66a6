"""What monitoring keeps in PostgreSQL: one file for each concept."""

from apps.monitoring.models.grafana import GrafanaSync

__all__ = [
    "GrafanaSync",
    "Incident",
]
