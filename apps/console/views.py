"""The admin's start page."""

from typing import Any

from django.http import HttpRequest

from apps.console.adapters.activity import MAX_COUNTED_REJECTS
from apps.console.core.dataset_state import DatasetState
from apps.console.selectors import STEP_S, STEPS, station_activity
from apps.fleet.selectors.summary import fleet_summary

SHOWN_DATASETS = 200
"""Maximum datasets on the start page, the most urgent first."""


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the datasets' and the fleet's figures to the context, as far as the user may see them."""
    if request.user.has_perms(("fleet.view_fleetservice", "fleet.view_incident")):
        context = {**context, "fleet": fleet_summary()}
    if not request.user.has_perm("datasets.view_dataset"):
        return context
    station = station_activity()
    return {
        **context,
        "title": "Overview",
        "station": station,
        "shown": station.datasets[:SHOWN_DATASETS],
        "counts": [(state, station.count(state)) for state in DatasetState if station.count(state)],
        "max_rejects": MAX_COUNTED_REJECTS,
        "window_min": STEP_S * STEPS // 60,
    }
