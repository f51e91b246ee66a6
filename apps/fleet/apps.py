"""Django configuration of the fleet app."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The fleet: outlier detection and incidents."""

    name = "apps.fleet"

    def ready(self) -> None:
        """Register the fleet's collector for /metrics."""
        from apps.fleet.exporters.registry import FLEET_COLLECTOR  # noqa: PLC0415 - the models must be there first
        from apps.telemetry import prometheus  # noqa: PLC0415

        prometheus.register_collector(FLEET_COLLECTOR)
