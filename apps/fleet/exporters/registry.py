"""The collector of this process, with the metrics folder that all processes share."""

from typing import Final

from django.conf import settings

from apps.fleet.exporters.fleet_collector import FleetCollector
from apps.telemetry.prometheus import multiprocess_folder

FLEET_COLLECTOR: Final = FleetCollector(multiprocess_folder(), stale_after_s=settings.FLEET.stale_after_s)
"""Exports each evaluation."""
