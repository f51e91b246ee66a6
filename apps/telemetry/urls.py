"""URLs of the monitoring endpoints."""

from django.urls import path

from apps.telemetry import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
