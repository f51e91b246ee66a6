"""The admin of monitoring: incidents, and the pages of the fleet."""

from apps.monitoring.admin.incidents import IncidentAdmin

__all__ = ["IncidentAdmin"]
