"""Alertmanager's configuration, rendered from apps/monitoring/alerts/routing.py."""

from typing import Any, Final

from apps.monitoring.alerts.routing import (
    DEFAULT,
    GROUPED_BY,
    INHIBITIONS,
    RECEIVERS,
    ROUTES,
    WEEKENDS,
    Inhibition,
    Receiver,
    Route,
)
from apps.monitoring.renderers.prometheus_yaml import as_yaml

_WEEKENDS: Final = "weekends"
_TIMES: Final = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "24h"}


def alertmanager_files() -> dict[str, str]:
    """The configuration's text by its path below dashboards/."""
    return {"alertmanager/alertmanager.yaml": as_yaml(_configuration())}


def _configuration() -> dict[str, Any]:
    routes = [_route(route) for route in ROUTES]
    return {
        "route": {"receiver": DEFAULT, "group_by": list(GROUPED_BY), **_TIMES, "routes": routes},
        "time_intervals": [{"name": _WEEKENDS, "time_intervals": [{"weekdays": list(WEEKENDS)}]}],
        "inhibit_rules": [_inhibition(inhibition) for inhibition in INHIBITIONS],
        "receivers": [_receiver(receiver) for receiver in RECEIVERS],
    }


def _route(route: Route) -> dict[str, Any]:
    made = {"receiver": route.receiver, "matchers": list(route.matchers), "repeat_interval": route.repeat}
    return {**made, "mute_time_intervals": [_WEEKENDS]} if route.muted_on_weekends else made


def _inhibition(inhibition: Inhibition) -> dict[str, Any]:
    rule = {"source_matchers": list(inhibition.source), "target_matchers": list(inhibition.target)}
    return {**rule, "equal": list(inhibition.equal)} if inhibition.equal else rule


def _receiver(receiver: Receiver) -> dict[str, Any]:
    return {"name": receiver.name, **({receiver.kind: [receiver.config]} if receiver.kind else {})}
