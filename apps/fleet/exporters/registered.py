"""The fleet's series of this machine: made once, with the folder that its processes share."""

from typing import Final

from django.conf import settings

from apps.fleet.exporters.series import FleetSeries
from apps.telemetry.prometheus import shared_folder

SERIES: Final = FleetSeries(shared_folder(), stale_after_s=settings.FLEET.stale_after_s)
"""What each evaluation is shown by."""
