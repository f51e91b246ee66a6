"""Django's entry for the fleet."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The app fleet."""

    name = "apps.fleet"

    def ready(self) -> None:
        """Show the fleet's series on the page of metrics."""
        from apps.fleet.exporters.registry import FLEET_COLLECTOR  # noqa: PLC0415 - the models must be there first
        from apps.telemetry import prometheus  # noqa: PLC0415

        prometheus.register_collector(FLEET_COLLECTOR)
