"""The Fleet page and the page of one service. Neither needs Grafana."""

from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.fleet.engine.policy import DEFAULT_POLICY
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.models.fleet import FleetService
from apps.fleet.pages.fleet import fleet_page, peer_plot
from apps.fleet.pages.service import history, signal_gauge
from apps.fleet.selectors.fleet import fleet_view
from apps.fleet.selectors.incidents import active_by_zone, current_by_subject, false_alarms, incidents_of
from apps.fleet.selectors.service import ServiceView, service_view

VIEW_PERMISSION: Final = "fleet.view_fleetservice"
SERVICE_DASHBOARD: Final = "anden-service"
"""UID of the Grafana dashboard for one service."""
LAST_INCIDENTS: Final = 20


def fleet(request: HttpRequest) -> HttpResponse:
    """The Fleet page: counts, ranked outliers with reasons, heatmap, and small multiples of the worst six."""
    _check_permission(request)
    page = fleet_page(fleet_view())
    current, earlier = current_by_subject(page.names, timezone.now()), false_alarms(page.names)
    zones = active_by_zone({row.zone for row in page.rows if row.zone})
    rows = [
        (row, current.get(row.service) or zones.get(row.zone), earlier.get((row.service, row.signal_name)))
        for row in page.rows
    ]
    context = {**_admin_context(request, "Fleet"), "page": page, "rows": rows}
    return TemplateResponse(request, "fleet/fleet.html", context)


def service(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one service: its signals, its flags, and its earlier incidents."""
    _check_permission(request)
    view = service_view(name)
    if view is None:
        raise Http404
    return TemplateResponse(
        request, "fleet/service.html", {**_admin_context(request, f"Service {name}"), **_service(view)}
    )


def _service(view: ServiceView) -> dict[str, Any]:
    name, total = view.service.name, FleetService.objects.count()
    threshold = DEFAULT_POLICY.threshold(total, len(SIGNALS))
    line, threshold_y = history(view.scores, threshold)
    earlier = false_alarms([name])
    return {
        "view": view,
        "gauges": [
            signal_gauge(
                one.signal,
                value=one.value,
                baseline=one.baseline,
                low=one.peer_low,
                median=one.peer_median,
                high=one.peer_high,
                score=one.score,
                threshold=threshold,
            )
            for one in view.signals
        ],
        "flags": [(flag, earlier.get((name, flag.signal))) for flag in view.flags],
        "plots": [peer_plot(multiple) for multiple in view.multiples],
        "history": line,
        "threshold": threshold,
        "threshold_y": threshold_y,
        "is_stale": view.age_s > settings.FLEET.stale_after_s,
        "incidents": incidents_of(name, most=LAST_INCIDENTS),
        "grafana": grafana_link(name),
    }


def grafana_link(name: str) -> str:
    """The Grafana URL of this service; empty if no Grafana is configured."""
    if settings.GRAFANA.url is None:
        return ""
    return f"{str(settings.GRAFANA.url).rstrip('/')}/d/{SERVICE_DASHBOARD}?{urlencode({'var-service': name})}"


def _check_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied


def _admin_context(request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = admin.site.name
    return {**admin.site.each_context(request), "title": title}
