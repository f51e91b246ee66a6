"""Store one evaluation: services, evaluation row and detail. Call it inside a transaction."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from apps.fleet.engine.evaluation import Evaluation, ServiceState
from apps.fleet.engine.observation import Observation
from apps.fleet.engine.packing import as_json, number_or_null, pack, pack_ids
from apps.fleet.engine.small_multiples import last_data_s, medians, multiples
from apps.fleet.models.fleet import FleetDetail, FleetEvaluation, FleetService

FLAGS: Final = 1_000
"""Maximum stored flags per evaluation; with more, individual flags no longer matter."""
_SEEN_EVERY: Final = timedelta(minutes=10)
_BATCH: Final = 5_000
_SET_STATES: Final = """
    UPDATE monitoring_fleetservice AS service SET state = fresh.state, zone = fresh.zone,
        since = CASE WHEN service.state = fresh.state THEN service.since ELSE %s END
    FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS fresh (id, state, zone) WHERE service.id = fresh.id
"""
_SET_SEEN: Final = """
    UPDATE monitoring_fleetservice AS service SET last_seen = fresh.seen
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS fresh (id, seen) WHERE service.id = fresh.id
"""


def store(observation: Observation, evaluation: Evaluation, at: datetime, *, read_s: float, score_s: float) -> None:
    """Store the evaluation as of `at`. Only the newest one keeps its detail."""
    ids = _services(observation, evaluation, at)
    row = FleetEvaluation.objects.create(
        at=at,
        window_s=evaluation.window_s,
        read_s=read_s,
        score_s=score_s,
        ok=evaluation.count(ServiceState.OK),
        outliers=evaluation.count(ServiceState.OUTLIER),
        no_data=evaluation.count(ServiceState.NO_DATA),
        learning=evaluation.count(ServiceState.LEARNING),
        shifts={
            signal.name: number_or_null(shift)
            for signal, shift in zip(evaluation.signals, evaluation.shift.tolist(), strict=True)
        },
        events=[as_json(event) for event in evaluation.events],
        flags=[as_json(flag) for flag in evaluation.flags[:FLAGS]],
        multiples=multiples(observation, evaluation),
        service_ids=pack_ids(ids),
        worst=pack(evaluation.worst()),
        states=pack(evaluation.state, np.int8),
    )
    FleetDetail.objects.all().delete()
    FleetDetail.objects.create(
        evaluation=row,
        signals=[signal.name for signal in evaluation.signals],
        peers=[number_or_null(value) for value in medians(evaluation.peer_median).tolist()],
        score=pack(evaluation.score),
        value=pack(medians(observation.now), np.float32),
        ratio=pack(evaluation.ratio, np.float32),
    )


def _services(observation: Observation, evaluation: Evaluation, at: datetime) -> NDArray[np.int64]:
    """The ids of the observed services, in their order, after updating their rows."""
    known = {service.name: service for service in FleetService.objects.all()}
    states = [int(state) for state in evaluation.state]
    seen = [
        datetime.fromtimestamp(last_s, UTC) if last_s == last_s else None  # noqa: PLR0124 - NaN is never
        for last_s in last_data_s(observation).tolist()
    ]
    fresh = [
        FleetService(name=name, zone=zone, state=state, since=at, first_seen=at, last_seen=last or at)
        for name, zone, state, last in zip(observation.services, observation.zones, states, seen, strict=True)
        if name not in known
    ]
    for service in FleetService.objects.bulk_create(fresh, batch_size=_BATCH):
        known[service.name] = service
    rows = [known[name] for name in observation.services]
    changed = [
        (row.pk, state, zone)
        for row, state, zone in zip(rows, states, observation.zones, strict=True)
        if (row.state, row.zone) != (state, zone)
    ]
    present = {row.pk for row in rows}
    changed += [
        (row.pk, int(ServiceState.NO_DATA), row.zone)
        for row in known.values()
        if row.pk not in present and row.state != ServiceState.NO_DATA
    ]
    later = [
        (row.pk, last)
        for row, last in zip(rows, seen, strict=True)
        if last is not None and last - row.last_seen >= _SEEN_EVERY
    ]
    with connection.cursor() as cursor:
        if changed:
            cursor.execute(_SET_STATES, [at, *map(list, zip(*changed, strict=True))])
        if later:
            cursor.execute(_SET_SEEN, [*map(list, zip(*later, strict=True))])
    return np.array([row.pk for row in rows], dtype=np.int64)
