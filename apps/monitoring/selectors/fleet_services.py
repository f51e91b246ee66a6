"""The services of the fleet one by one, as the newest evaluation knows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils import timezone

from apps.monitoring.core.errors import ServiceUnknown
from apps.monitoring.core.fleet import packing
from apps.monitoring.core.fleet.evaluation import Flag, State
from apps.monitoring.core.fleet.signals import SIGNAL_BY_NAME
from apps.monitoring.models import FleetDetail, FleetEvaluation, FleetService
from apps.monitoring.selectors.fleet import fleet_flags, fleet_is_stale, fleet_newest, fleet_trouble


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service and how it stands; `score` is the worst of its signals, None without data."""

    name: str
    zone: str
    state: State
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


@dataclass(frozen=True, slots=True)
class SignalKnown:
    """One signal of a service: its value (median of the window), its usual, both ratios, its score; NaN: no data."""

    signal: str
    value: float
    usual: float
    ratio: float
    peers: float
    score: float


@dataclass(frozen=True, slots=True)
class ServiceShown:
    """One service as `fleet show` and its page show it; `trouble` is empty where all this is of now."""

    row: ServiceRow
    first_seen: datetime
    last_seen: datetime
    signals: tuple[SignalKnown, ...]
    flags: tuple[Flag, ...]
    trouble: str


def service_list() -> tuple[ServiceRow, ...]:
    """Every service that was observed and not yet forgotten, the worst first."""
    newest = fleet_newest(timezone.now())
    scores: dict[int, float] = {}
    if newest is not None and not fleet_is_stale(newest, timezone.now()):
        worst = packing.unpack(newest.worst).tolist()
        scores = dict(zip(packing.unpack_ids(newest.service_ids).tolist(), worst, strict=True))
    rows = [_row(service, scores.get(service.pk), is_stale=not scores) for service in FleetService.objects.all()]
    return tuple(sorted(rows, key=lambda row: (row.state != State.OUTLIER, -(row.score or -np.inf), row.name)))


def service_show(name: str) -> ServiceShown:
    """The service of this name.

    Raises ServiceUnknown: no such service was observed.
    """
    now = timezone.now()
    service = FleetService.objects.filter(name=name).first()
    if service is None:
        raise ServiceUnknown(f"no service {name!r} was observed: `manage.py fleet list` shows those that were")
    newest = fleet_newest(now)
    is_stale = newest is None or fleet_is_stale(newest, now)
    signals = () if newest is None or is_stale else _signals(newest, service.pk)
    score = max((known.score for known in signals if known.score == known.score), default=None)
    return ServiceShown(
        row=_row(service, score, is_stale=is_stale),
        first_seen=service.first_seen,
        last_seen=service.last_seen,
        signals=signals,
        flags=tuple(flag for flag in fleet_flags(newest) if flag.service == name) if newest and signals else (),
        trouble=fleet_trouble(newest, now),
    )


def _row(service: FleetService, score: float | None, *, is_stale: bool) -> ServiceRow:
    known = None if score is None or score != score else round(score, 2)  # noqa: PLR0124 - NaN
    state = State.NO_DATA if is_stale else State(service.state)
    return ServiceRow(service.name, service.zone, state, known, service.since)


def _usual(value: float, ratio: float, floor: float) -> float:
    """A service's own usual: ratios are of values raised by the signal's floor."""
    return max((value + floor) / ratio - floor, 0.0) if ratio > 0 else float("nan")


def _signals(newest: FleetEvaluation, service_id: int) -> tuple[SignalKnown, ...]:
    detail = FleetDetail.objects.filter(evaluation=newest).first()
    places = np.flatnonzero(packing.unpack_ids(newest.service_ids) == service_id)
    if detail is None or not len(places):
        return ()
    count = len(detail.signals)
    value, ratio = (packing.unpack(data, np.float32).reshape(-1, count) for data in (detail.value, detail.ratio))
    score = packing.unpack(detail.score).reshape(-1, count)
    row = int(places[0])
    return tuple(
        SignalKnown(
            signal=signal,
            value=float(value[row, column]),
            usual=_usual(float(value[row, column]), float(ratio[row, column]), SIGNAL_BY_NAME[signal].floor),
            ratio=float(ratio[row, column]),
            peers=packing.float_or_nan(detail.peers[column]),
            score=float(score[row, column]),
        )
        for column, signal in enumerate(detail.signals)
    )
