"""Django's entry for api."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The app api."""

    name = "apps.api"
    verbose_name = "Third parties"
