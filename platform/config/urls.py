"""URLs: admin, API, health and metrics."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

INCIDENTS = RedirectView.as_view(url="/admin/fleet/incident/%(rest)s", query_string=True)
"""Redirects the URLs of incidents from before the fleet had its own app."""

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/monitoring/fleet/", include("apps.fleet.admin.urls")),  # before the admin's catch-all
    re_path("^admin/monitoring/incident/(?P<rest>.*)$", INCIDENTS),
    path("admin/", admin.site.urls),
    path("api/", include("apps.api.urls")),
    path("", include("apps.telemetry.urls")),
]

handler400 = "apps.api.problems.request_refused"
