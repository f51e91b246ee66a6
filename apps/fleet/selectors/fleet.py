"""The fleet for pages and commands, read from the stored evaluations."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from apps.fleet.engine import heatmap, packing
from apps.fleet.engine.evaluation import FleetEvent, OutlierFlag, ServiceState
from apps.fleet.engine.observation import Floats
from apps.fleet.engine.small_multiples import first_of_each
from apps.fleet.engine.view import MAX_RANKED, MAX_SMALL_MULTIPLES, FleetView, RankedService, SmallMultiple
from apps.fleet.models.fleet import FleetEvaluation, FleetService

COLUMNS: Final = 60
"""Maximum evaluations in a view."""
SPAN: Final = timedelta(hours=6)
"""The time range of a view."""


def fleet_view(at: datetime | None = None, *, span: timedelta = SPAN, columns: int = COLUMNS) -> FleetView:
    """The fleet at `at` (None: now), with its scores over the `span` before; never fails.

    Empty (`is_empty()`) until an evaluation succeeds.
    """
    now = at or timezone.now()
    newest = fleet_newest(now)
    stale_reason = fleet_stale_reason(newest, now)
    if newest is None:
        return _empty(now, stale_reason)
    ids = packing.unpack_ids(newest.service_ids)
    names_by_id = dict(FleetService.objects.values_list("id", "name"))
    names = tuple(names_by_id.get(int(row), f"service {row}") for row in ids)
    chosen = _columns(newest, span, columns)
    scores = _scores(ids, chosen)
    states = packing.unpack(newest.states, np.int8).astype(np.int8)
    order = heatmap.ranked(states, scores)
    rows, labels = heatmap.rows(names, order, scores)
    return FleetView(
        at=newest.at,
        age_s=(now - newest.at).total_seconds(),
        counts=_counts(newest, is_stale=fleet_is_stale(newest, now)),
        shifts=packing.floats(newest.shifts),
        events=tuple(packing.from_json(FleetEvent, event) for event in newest.events),
        worst=_worst(newest, names, scores, states),
        times=tuple(evaluation.at for evaluation in chosen),
        heat=rows,
        heat_labels=labels,
        multiples=tuple(multiple_of(fields) for fields in newest.multiples[:MAX_SMALL_MULTIPLES]),
        duration_s=newest.read_s + newest.score_s,
        stale_reason=stale_reason,
    )


def fleet_newest(now: datetime) -> FleetEvaluation | None:
    """The newest successful evaluation up to this time."""
    return FleetEvaluation.objects.filter(at__lte=now, outcome=FleetEvaluation.OK).order_by("-at").first()


def fleet_is_stale(newest: FleetEvaluation, now: datetime) -> bool:
    """Whether the evaluation is too old to describe the fleet's current state."""
    return (now - newest.at).total_seconds() > float(settings.FLEET.stale_after_s)


def fleet_flags(evaluation: FleetEvaluation) -> tuple[OutlierFlag, ...]:
    """The flags of an evaluation, the worst first."""
    return tuple(packing.from_json(OutlierFlag, flag) for flag in evaluation.flags)


def fleet_stale_reason(newest: FleetEvaluation | None, now: datetime) -> str:
    """Why the newest successful evaluation is not current; empty if it is."""
    failed = FleetEvaluation.objects.filter(at__lte=now).exclude(outcome=FleetEvaluation.OK)
    if newest is not None:
        failed = failed.filter(at__gt=newest.at)
    last = failed.order_by("-at").first()
    if last is not None:
        return last.error
    if newest is None:
        return "The fleet has never been evaluated: run `manage.py fleet evaluate`."
    if fleet_is_stale(newest, now):
        since = f"{newest.at:%Y-%m-%d %H:%M} UTC"
        return f"The fleet has not been evaluated since {since}: run `manage.py fleet evaluate`."
    return ""


def _empty(now: datetime, stale_reason: str) -> FleetView:
    known = FleetService.objects.count()
    return FleetView(
        at=now,
        age_s=0,
        counts={state: known if state is ServiceState.NO_DATA else 0 for state in ServiceState},
        shifts={},
        events=(),
        worst=(),
        times=(),
        heat=np.empty((0, 0), dtype=np.float32),
        heat_labels=(),
        multiples=(),
        duration_s=0,
        stale_reason=stale_reason,
    )


def _counts(evaluation: FleetEvaluation, *, is_stale: bool) -> dict[ServiceState, int]:
    """Services by state; all without data once the evaluation is stale."""
    counts = {
        ServiceState.OK: evaluation.ok,
        ServiceState.OUTLIER: evaluation.outliers,
        ServiceState.NO_DATA: evaluation.no_data,
        ServiceState.LEARNING: evaluation.learning,
    }
    if not is_stale:
        return counts
    return {state: sum(counts.values()) if state is ServiceState.NO_DATA else 0 for state in ServiceState}


def _columns(newest: FleetEvaluation, span: timedelta, columns: int) -> list[FleetEvaluation]:
    """At most `columns` evenly spaced evaluations up to the newest, including failed ones, oldest first."""
    within = FleetEvaluation.objects.filter(at__gt=newest.at - span, at__lte=newest.at).order_by("at")
    found = list(within.values_list("id", flat=True))
    picks = np.unique(np.linspace(0, len(found) - 1, min(columns, len(found))).round().astype(int))
    chosen = FleetEvaluation.objects.filter(id__in=[found[pick] for pick in picks])
    return list(chosen.only("at", "outcome", "service_ids", "worst").order_by("at"))


def _scores(ids: NDArray[np.int64], columns: Iterable[FleetEvaluation]) -> Floats:
    """The worst score of each service at each evaluation, services × times; NaN without a score."""
    by_id = np.argsort(ids)
    scores = []
    for evaluation in columns:
        column = np.full(len(ids), np.nan, dtype=np.float32)
        if evaluation.outcome == FleetEvaluation.OK:
            theirs = packing.unpack_ids(evaluation.service_ids)
            places = by_id[np.searchsorted(ids, theirs, sorter=by_id).clip(max=max(len(ids) - 1, 0))]
            same = ids[places] == theirs
            column[places[same]] = packing.unpack(evaluation.worst)[same]
        scores.append(column)
    return np.stack(scores, axis=1) if scores else np.empty((len(ids), 0), dtype=np.float32)


def _worst(
    evaluation: FleetEvaluation,
    names: tuple[str, ...],
    scores: Floats,
    states: NDArray[np.int8],
) -> tuple[RankedService, ...]:
    """The ranked list: each flagged service once, with its worst flag."""
    row_of = {name: row for row, name in enumerate(names)}
    first = {flag.service: flag for flag in first_of_each(fleet_flags(evaluation)) if flag.service in row_of}
    return tuple(
        RankedService(
            service=name, state=ServiceState(int(states[row_of[name]])), flag=flag, scores=scores[row_of[name]]
        )
        for name, flag in list(first.items())[:MAX_RANKED]
    )


def multiple_of(fields: dict[str, Any]) -> SmallMultiple:
    """The series of a flag as stored with an evaluation."""

    def curve(name: str) -> tuple[float, ...]:
        return tuple(packing.float_or_nan(value) for value in fields[name])

    return SmallMultiple(
        flag=packing.from_json(OutlierFlag, fields["flag"]),
        times_s=curve("times_s"),
        values=curve("values"),
        low=curve("low"),
        median=curve("median"),
        high=curve("high"),
    )
