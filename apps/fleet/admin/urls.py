"""The URLs of the Fleet pages, below admin/monitoring/fleet/."""

from django.contrib import admin
from django.urls import path

from apps.fleet.admin import fleet

urlpatterns = [
    path("", admin.site.admin_view(fleet.fleet), name="fleet"),
    path("<path:name>/", admin.site.admin_view(fleet.service), name="fleet-service"),
]
