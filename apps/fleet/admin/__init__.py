"""The fleet in the admin: the Fleet page, the page of a service, and incidents."""

from apps.fleet.admin.incidents import IncidentAdmin

__all__ = ["IncidentAdmin"]
