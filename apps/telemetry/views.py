"""Is it alive, is it ready, what does it measure: for probes and Prometheus, never routed to the outside."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.telemetry import prometheus
from apps.telemetry.readiness import readiness_failures


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all; nothing is asked of anyone else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when requests can be served, else 503 and what is missing."""
    missing = readiness_failures()
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """What all processes of this machine measured; needs no database."""
    body, content_type = prometheus.exposition()
    return HttpResponse(body, content_type=content_type)
