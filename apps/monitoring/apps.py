"""Django's entry for monitoring."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """The app monitoring."""

    name = "apps.monitoring"

    def ready(self) -> None:
        """Show the fleet's series on the page of metrics."""
        from apps.monitoring.services.fleet_series import SERIES  # noqa: PLC0415
        from apps.telemetry import prometheus  # noqa: PLC0415 - the models must be there first

        prometheus.also(SERIES)
