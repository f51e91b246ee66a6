"""What monitoring keeps in PostgreSQL: one file for each concept."""

from apps.monitoring.models.fleet import FleetDetail, FleetEvaluation, FleetService

__all__ = ["FleetDetail", "FleetEvaluation", "FleetService"]
