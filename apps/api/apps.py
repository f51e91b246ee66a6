"""App configuration of the API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The HTTP API and its clients."""

    name = "apps.api"
    verbose_name = "Third parties"
