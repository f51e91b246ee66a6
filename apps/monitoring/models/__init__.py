"""What monitoring keeps in PostgreSQL: one file for each concept."""

from apps.monitoring.models.fleet import FleetDetail, FleetEvaluation, FleetService
from apps.monitoring.models.grafana import GrafanaSync
from apps.monitoring.models.incidents import Incident, IncidentNote, IncidentSuspicion

__all__ = [
    "FleetDetail",
    "FleetEvaluation",
    "FleetService",
    "GrafanaSync",
    "Incident",
    "IncidentNote",
    "IncidentSuspicion",
]
