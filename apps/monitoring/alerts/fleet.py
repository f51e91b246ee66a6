"""Alerts on the fleet: an outlier, a shift of the fleet or a zone, a service without data, a stale evaluation."""

from typing import Final

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.incidents.lifecycle import IncidentKind
from apps.fleet.metrics import FLEET_LAST_EVALUATION, FLEET_SHIFT, FLEET_STATE, OPEN_INCIDENTS
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import stale
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level

SHIFTED: Final = 1.2
"""A smaller shift counts as back to the baseline."""
_SERVICE: Final = ("service",)


def _open(kind: IncidentKind) -> PromqlQuery:
    return level(OPEN_INCIDENTS, LabelMatcher("kind", kind.value))


def _shifted() -> PromqlQuery:
    """The factor of each signal that is far from its baseline, in a direction that is bad for it.

    Only while a fleet incident is open, so that closing the incident resolves the alert.
    """
    falling = LabelMatcher("signal", "|".join(signal.name for signal in SIGNALS if signal.bad == "both"), "=~")
    return compose(
        f"({{}} > {SHIFTED:g} or {{}} < {1 / SHIFTED:.3g}) and on () {{}} > 0",
        level(FLEET_SHIFT, by=("signal",)),
        level(FLEET_SHIFT, falling, by=("signal",)),
        _open(IncidentKind.FLEET),
    )


FLEET_ALERTS: Final = (
    Alert(
        "FleetServiceOutlier",
        compose(f"{{}} == {ServiceState.OUTLIER:d}", level(FLEET_STATE, by=_SERVICE)),
        for_="10m",
        severity="page",
        summary="{{ $labels.service }} deviates from its own baseline and from its peers",
        description="It has been an outlier on its own, not with its zone, for ten minutes. The admin's Fleet page "
        "shows the signal and the reason.",
        dashboard="service",
        link_labels=_SERVICE,
    ),
    Alert(
        "FleetWideShift",
        _shifted(),
        for_="5m",
        severity="page",
        summary="The entire fleet shifts: {{ $labels.signal }} is far from its baseline for this time of day",
        description='The fleet is at {{ $value | printf "%.2f" }} times its baseline. Check what all services share. '
        "Alerts on single services are inhibited meanwhile.",
        dashboard="fleet",
    ),
    Alert(
        "FleetZoneShift",
        compose("{} > 0", _open(IncidentKind.ZONE)),
        for_="5m",
        severity="page",
        summary="The services of one zone shift together: check what they share",
        description="Open zone incidents: {{ $value }}. The incident lists the zone and its services.",
        dashboard="fleet",
    ),
    Alert(
        "FleetServiceNoData",
        compose(f"{{}} == {ServiceState.NO_DATA:d}", level(FLEET_STATE, by=_SERVICE)),
        for_="30m",
        severity="ticket",
        summary="{{ $labels.service }} sends no data: its health is unknown",
        description="The service has sent no signal for half an hour.",
        dashboard="service",
        link_labels=_SERVICE,
    ),
    Alert(
        "FleetEvaluationStale",
        stale(FLEET_LAST_EVALUATION, 900),
        for_="5m",
        severity="ticket",
        summary="Outlier detection is stale: the fleet has not been evaluated for 15 minutes",
        description="The Fleet page shows old data. Until evaluations resume, no alert on a service can fire.",
        dashboard="self",
    ),
)
