"""The addresses of Andén: admin, API, health and metrics."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/monitoring/fleet/", include("apps.monitoring.admin.urls")),  # before the admin, which takes the rest
    path("admin/", admin.site.urls),
    path("api/", include("apps.api.urls")),
    path("", include("apps.telemetry.urls")),
]

handler400 = "apps.api.problems.request_refused"
