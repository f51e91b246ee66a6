"""Alerts on the fleet: a service that stays an outlier, a fleet that moves, and an engine that does not look."""

from typing import Final

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.incidents.lifecycle import IncidentKind
from apps.fleet.metrics import FLEET_LAST_EVALUATION, FLEET_SHIFT, FLEET_STATE, OPEN_INCIDENTS
from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.conditions import stale
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level

SHIFTED: Final = 1.2
"""A fleet that moves by less has its usual back."""
_SERVICE: Final = ("service",)


def _open(kind: IncidentKind) -> PromqlQuery:
    return level(OPEN_INCIDENTS, LabelMatcher("kind", kind.value))


def _shifted() -> PromqlQuery:
    """The factor of each signal that is far from its usual, in a direction that is bad for it.

    Only while an incident of the fleet is open: the engine has seen it last, and whoever closes it ends the alert.
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
        summary="{{ $labels.service }} stands apart from its own usual and from its peers, and stays there",
        description="It has been an outlier by itself for ten minutes; the admin's Fleet page says by which signal "
        "and why.",
        dashboard="service",
        link_labels=_SERVICE,
    ),
    Alert(
        "FleetWideShift",
        _shifted(),
        for_="5m",
        severity="page",
        summary="The whole fleet moves: {{ $labels.signal }} is far from its usual of this time of day",
        description='The fleet stands at {{ $value | printf "%.2f" }} times its usual. Look for what all services '
        "share; alerts on single services are silent meanwhile.",
        dashboard="fleet",
    ),
    Alert(
        "FleetZoneShift",
        compose("{} > 0", _open(IncidentKind.ZONE)),
        for_="5m",
        severity="page",
        summary="The services of one zone move together: look for what they share",
        description="Open incidents of a zone: {{ $value }}. The incident names the zone and its services.",
        dashboard="fleet",
    ),
    Alert(
        "FleetServiceNoData",
        compose(f"{{}} == {ServiceState.NO_DATA:d}", level(FLEET_STATE, by=_SERVICE)),
        for_="30m",
        severity="ticket",
        summary="{{ $labels.service }} tells nothing: whether it is well is unknown",
        description="No signal of the service came for half an hour.",
        dashboard="service",
        link_labels=_SERVICE,
    ),
    Alert(
        "FleetEvaluationStale",
        stale(FLEET_LAST_EVALUATION, 900),
        for_="5m",
        severity="ticket",
        summary="Nobody compares the services: the fleet was not evaluated for a quarter of an hour",
        description="What the Fleet page shows is old. While that lasts, no alert on a service can fire.",
        dashboard="self",
    ),
)
