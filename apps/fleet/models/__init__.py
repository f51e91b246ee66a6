"""The fleet's tables in PostgreSQL, one file per concept."""

from apps.fleet.models.fleet import FleetDetail, FleetEvaluation, FleetService
from apps.fleet.models.incidents import Incident, IncidentNote, IncidentSuspicion

__all__ = ["FleetDetail", "FleetEvaluation", "FleetService", "Incident", "IncidentNote", "IncidentSuspicion"]
