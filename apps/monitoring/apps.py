"""Django's entry for monitoring."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """The app monitoring."""

    name = "apps.monitoring"
