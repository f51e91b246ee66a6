"""A summary of the fleet and its incidents, for the start page."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q
from django.utils import timezone

from apps.fleet.incidents.lifecycle import IncidentStatus
from apps.fleet.models.fleet import FleetEvaluation
from apps.fleet.models.incidents import Incident
from apps.fleet.selectors.fleet import fleet_is_stale, fleet_stale_reason
from apps.fleet.selectors.incidents import active_incidents

SHOWN: Final = 3
"""How many incidents a summary names."""


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """Services by state at the newest evaluation, `age_s` ago, and the active incidents.

    `stale_reason` explains why the counts are not current, empty if they are. `active` and `unacknowledged` (status
    open) count incidents that are being detected, `incidents` names the worst; quiet ones are counted separately.
    """

    ok: int
    outliers: int
    no_data: int
    learning: int
    age_s: float
    stale_reason: str
    active: int
    unacknowledged: int
    incidents: tuple[Incident, ...]
    quiet: int
    quiet_incidents: tuple[Incident, ...]

    @property
    def services(self) -> int:
        """The number of services; 0 before the first evaluation."""
        return self.ok + self.outliers + self.no_data + self.learning


def fleet_summary() -> FleetSummary | None:
    """The summary; None if there is neither a fleet nor an incident."""
    now = timezone.now()
    counted = FleetEvaluation.objects.filter(at__lte=now, outcome=FleetEvaluation.OK).order_by("-at")
    newest = counted.only("at", "outcome", "ok", "outliers", "no_data", "learning").first()
    counts = Incident.objects.exclude(status=IncidentStatus.CLOSED).aggregate(
        active=Count("pk", filter=Q(quiet_since=None)),
        unacknowledged=Count("pk", filter=Q(quiet_since=None, status=IncidentStatus.OPEN)),
        quiet=Count("pk", filter=Q(quiet_since__isnull=False)),
    )
    if newest is None and not counts["active"] + counts["quiet"]:
        return None
    is_stale = newest is None or fleet_is_stale(newest, now)
    return FleetSummary(
        ok=newest.ok if newest else 0,
        outliers=newest.outliers if newest else 0,
        no_data=newest.no_data if newest else 0,
        learning=newest.learning if newest else 0,
        age_s=(now - newest.at).total_seconds() if newest else 0,
        stale_reason=fleet_stale_reason(newest, now) if is_stale else "",
        active=counts["active"],
        unacknowledged=counts["unacknowledged"],
        incidents=tuple(active_incidents(most=SHOWN, is_quiet=False)) if counts["active"] else (),
        quiet=counts["quiet"],
        quiet_incidents=tuple(active_incidents(most=SHOWN, is_quiet=True)) if counts["quiet"] else (),
    )
