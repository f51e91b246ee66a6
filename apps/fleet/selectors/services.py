"""All services of the fleet with their current state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils import timezone

from apps.fleet.engine import packing
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.models.fleet import FleetService
from apps.fleet.selectors.fleet import fleet_is_stale, fleet_newest


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service and its state; `score` is the worst of its signals, None without data."""

    name: str
    zone: str
    state: ServiceState
    score: float | None
    since: datetime

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values."""
        return {
            "service": self.name,
            "zone": self.zone,
            "state": self.state.name.lower(),
            "score": self.score,
            "since": self.since.isoformat(),
        }


def service_list() -> tuple[ServiceRow, ...]:
    """Every known service: outliers, those without data, then by score."""
    newest = fleet_newest(timezone.now())
    scores: dict[int, float] = {}
    if newest is not None and not fleet_is_stale(newest, timezone.now()):
        worst = packing.unpack(newest.worst).tolist()
        scores = dict(zip(packing.unpack_ids(newest.service_ids).tolist(), worst, strict=True))
    rows = [_row(service, scores.get(service.pk), is_stale=not scores) for service in FleetService.objects.all()]
    return tuple(sorted(rows, key=_place))


def _place(row: ServiceRow) -> tuple[bool, bool, float, str]:
    score = -np.inf if row.score is None else row.score
    return row.state != ServiceState.OUTLIER, row.state != ServiceState.NO_DATA, -score, row.name


def _row(service: FleetService, score: float | None, *, is_stale: bool) -> ServiceRow:
    known = None if score is None or score != score else round(score, 2)  # noqa: PLR0124 - NaN
    state = ServiceState.NO_DATA if is_stale else ServiceState(service.state)
    return ServiceRow(service.name, service.zone, state, known, service.since)
