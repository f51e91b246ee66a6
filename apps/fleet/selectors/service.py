"""One service of the fleet: the current value of each signal, and its score over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.utils import timezone

from apps.fleet.engine import packing
from apps.fleet.engine.evaluation import OutlierFlag, ServiceState
from apps.fleet.engine.observation import Floats
from apps.fleet.engine.signals import SIGNAL_BY_NAME, ServiceSignal
from apps.fleet.engine.view import SmallMultiple
from apps.fleet.models.fleet import FleetEvaluation, FleetService
from apps.fleet.selectors.fleet import COLUMNS, SPAN, fleet_flags, fleet_newest, multiple_of

PEERS_LOW: Final = 10
PEERS_HIGH: Final = 90
"""The percentiles of the peers' ratio to their own baseline that form the band."""


@dataclass(frozen=True, slots=True)
class SignalReading:
    """One signal of the service; all but `score` in the signal's unit, NaN without data.

    The band is the peers' ratio to their own baseline, times this service's baseline. For a flagged signal these are
    the figures of its flag, so that tables agree with its sentence.
    """

    signal: ServiceSignal
    value: float
    baseline: float
    peer_low: float
    peer_median: float
    peer_high: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class ServiceView:
    """A service at `at`; `times` and `scores` are those of earlier evaluations, NaN without data."""

    service: FleetService
    state: ServiceState
    at: datetime | None
    age_s: float
    signals: tuple[SignalReading, ...]
    flags: tuple[OutlierFlag, ...]
    multiples: tuple[SmallMultiple, ...]
    times: tuple[datetime, ...]
    scores: tuple[float, ...]


def service_view(name: str) -> ServiceView | None:
    """The service of this name; None if it was never observed."""
    now = timezone.now()
    service = FleetService.objects.filter(name=name).first()
    if service is None:
        return None
    newest = fleet_newest(now)
    if newest is None:
        return ServiceView(service, ServiceState(service.state), None, 0, (), (), (), (), ())
    times, scores = _history(newest, service.pk)
    flags = tuple(flag for flag in fleet_flags(newest) if flag.service == name)
    return ServiceView(
        service=service,
        state=ServiceState(service.state),
        at=newest.at,
        age_s=(now - newest.at).total_seconds(),
        signals=_signals(newest, service.pk, {flag.signal: flag for flag in flags}),
        flags=flags,
        multiples=tuple(multiple_of(fields) for fields in newest.multiples if fields["flag"]["service"] == name),
        times=times,
        scores=scores,
    )


def _signals(newest: FleetEvaluation, service_id: int, flags: Mapping[str, OutlierFlag]) -> tuple[SignalReading, ...]:
    """Every signal at the newest evaluation; empty if the service was not part of it."""
    place = np.flatnonzero(packing.unpack_ids(newest.service_ids) == service_id)
    detail = getattr(newest, "detail", None)
    if detail is None or not place.size:
        return ()
    shape = (-1, len(detail.signals))
    ratio = packing.unpack(detail.ratio, np.float32).reshape(shape)
    value = packing.unpack(detail.value, np.float32).reshape(shape)[place[0]]
    score = packing.unpack(detail.score).reshape(shape)[place[0]]
    return tuple(
        _signal_now(
            SIGNAL_BY_NAME[name],
            float(value[column]),
            float(ratio[place[0], column]),
            score=float(score[column]),
            peers=ratio[:, column][np.isfinite(ratio[:, column])],
            flag=flags.get(name),
        )
        for column, name in enumerate(detail.signals)
    )


def _signal_now(
    signal: ServiceSignal, value: float, own: float, *, score: float, peers: Floats, flag: OutlierFlag | None
) -> SignalReading:
    """The signal whose value is `own` times its baseline; for a flagged signal, the figures of the flag."""
    # Ratios are of values raised by the signal's floor; see ServiceSignal.
    baseline = (value + signal.floor) / own if own > 0 else float("nan")
    if flag:
        value, baseline = flag.value, flag.baseline + signal.floor
    low, median, high = np.percentile(peers, (PEERS_LOW, 50, PEERS_HIGH)) if peers.size else (np.nan,) * 3
    return SignalReading(
        signal=signal,
        value=value,
        baseline=max(baseline - signal.floor, 0.0),
        peer_low=max(baseline * float(low) - signal.floor, 0.0),
        peer_median=flag.peer_median if flag else max(baseline * float(median) - signal.floor, 0.0),
        peer_high=max(baseline * float(high) - signal.floor, 0.0),
        score=score,
    )


def _history(newest: FleetEvaluation, service_id: int) -> tuple[tuple[datetime, ...], tuple[float, ...]]:
    """The service's worst score at up to COLUMNS evaluations of the last hours."""
    within = FleetEvaluation.objects.filter(at__gt=newest.at - SPAN, at__lte=newest.at).order_by("at")
    ids = list(within.values_list("id", flat=True))
    picks = np.unique(np.linspace(0, len(ids) - 1, min(COLUMNS, len(ids))).round().astype(int))
    chosen = within.filter(id__in=[ids[pick] for pick in picks]).only("at", "outcome", "service_ids", "worst")
    times, scores = [], []
    for evaluation in chosen:
        times.append(evaluation.at)
        scores.append(_score(evaluation, service_id))
    return tuple(times), tuple(scores)


def _score(evaluation: FleetEvaluation, service_id: int) -> float:
    if evaluation.outcome != FleetEvaluation.OK:
        return float("nan")
    place = np.flatnonzero(packing.unpack_ids(evaluation.service_ids) == service_id)
    return float(packing.unpack(evaluation.worst)[place[0]]) if place.size else float("nan")
