"""Liveness, readiness and metrics, for probes and Prometheus; never routed to the outside."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.telemetry import prometheus
from apps.telemetry.readiness import readiness_failures


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 while the process responds at all; checks nothing else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if requests can be served, otherwise 503 with what is missing."""
    missing = readiness_failures()
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """The metrics of all processes of this machine; needs no database."""
    body, content_type = prometheus.exposition()
    return HttpResponse(body, content_type=content_type)
