"""Answers probes and Prometheus before anything else looks at the request."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.monitoring.urls import urlpatterns


class MonitoringFirst:
    """Serves monitoring's addresses before host names are checked and requests are measured.

    A kubelet and Prometheus call a pod by its address, which is in nobody's ALLOWED_HOSTS, and their calls
    would drown the latencies of real requests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._views = {f"/{pattern.pattern}": pattern.callback for pattern in urlpatterns}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of monitoring, or of everything that follows."""
        view = self._views.get(request.path_info)
        if view is None:
            return self._get_response(request)
        answer: HttpResponseBase = view(request)
        return answer
