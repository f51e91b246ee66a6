"""The admin of monitoring: incidents, and the pages of the fleet."""

from apps.fleet.admin.incidents import IncidentAdmin

__all__ = ["IncidentAdmin"]
