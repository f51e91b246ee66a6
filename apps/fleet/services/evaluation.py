"""Evaluate the fleet: observe, score, store in one transaction, record incidents, export the metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import Evaluation, ServiceState
from apps.fleet.engine.observation import Observation, observation_subset
from apps.fleet.engine.policy import DEFAULT_POLICY, DetectionPolicy
from apps.fleet.engine.small_multiples import last_data_s
from apps.fleet.engine.span import DAY_S
from apps.fleet.errors import EvaluatorBusy
from apps.fleet.exporters.registry import FLEET_COLLECTOR
from apps.fleet.metrics import FLEET_EVALUATION_SECONDS, FLEET_EVALUATIONS
from apps.fleet.models.fleet import FleetEvaluation, FleetService
from apps.fleet.selectors.fleet import fleet_flags
from apps.fleet.services.incidents import incidents_record
from apps.fleet.services.store import store
from apps.fleet.sources.source import SignalSource
from apps.telemetry import prometheus
from apps.telemetry.errors import MonitoringError, SourceUnavailable

_LOCK: Final = "hashtextextended('anden fleet evaluation', 0)"


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationResult:
    """The result of one evaluation, with the duration of each phase.

    `stored` is false if a newer evaluation exists already: then nothing was written.
    """

    observation: Observation
    evaluation: Evaluation
    read_s: float
    score_s: float
    store_s: float
    stored: bool


def fleet_evaluate(
    source: SignalSource, *, at_s: float, policy: DetectionPolicy = DEFAULT_POLICY, keep_lock: bool = False
) -> EvaluationResult:
    """Evaluate the fleet as of `at_s`, store the result, and return it.

    With `keep_lock` this session stays the only evaluator until it ends.
    Raises EvaluatorBusy: another process is evaluating; nothing was done.
    Raises MonitoringError: the source is unavailable or refuses; the failure was stored.
    """
    with _only_one(keep_lock=keep_lock):
        try:
            result = _store_result(fleet_dry_run(source, at_s=at_s, policy=policy), at_s)
        except MonitoringError as error:
            prometheus.counter(FLEET_EVALUATIONS).labels(type(error).__name__).inc()
            _record_failure(error, at_s)
            raise
    prometheus.counter(FLEET_EVALUATIONS).labels(FleetEvaluation.OK).inc()
    return result


def fleet_release_lock() -> None:
    """Release the evaluator's lock, so that another process can take over even if a pool keeps this session."""
    with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    connection.close()


def fleet_purge(now: datetime) -> tuple[int, int]:
    """Delete evaluations and services older than ANDEN_FLEET_KEEP_DAYS; returns how many of each."""
    oldest = now - timedelta(days=settings.FLEET.keep_days)
    newest = _newest()
    evaluations = FleetEvaluation.objects.filter(at__lt=oldest)
    if newest is not None:
        evaluations = evaluations.exclude(pk=newest.pk)
    services = FleetService.objects.filter(last_seen__lt=oldest)
    with transaction.atomic():
        gone = evaluations.delete()[1].get(FleetEvaluation._meta.label, 0)  # noqa: SLF001 - Django documents it
        return gone, services.delete()[0]


def fleet_dry_run(source: SignalSource, *, at_s: float, policy: DetectionPolicy = DEFAULT_POLICY) -> EvaluationResult:
    """Evaluate the fleet as of `at_s` without storing anything.

    Raises MonitoringError: the source is unavailable, refuses, or returns no services.
    """
    began_s = time.perf_counter()
    observation = _without_forgotten(source.observe(at_s), at_s)
    if not observation.services:
        raise SourceUnavailable("the source returned no service with current or recent data: nothing was evaluated")
    read_s = _record_phase("read", began_s)
    since = _flagged_since(_newest())
    began_s = time.perf_counter()
    evaluation = evaluate(observation, policy=policy, since=since)
    score_s = _record_phase("score", began_s)
    return EvaluationResult(observation, evaluation, read_s=read_s, score_s=score_s, store_s=0, stored=False)


def _store_result(result: EvaluationResult, at_s: float) -> EvaluationResult:
    """Store the result with its incidents and export it, unless a newer evaluation exists."""
    newest, at = _newest(), _moment(at_s)
    if newest is not None and newest.at >= at:
        return result
    began_s = time.perf_counter()
    with transaction.atomic():
        # One transaction: an evaluation without its incidents, or the reverse, would never be repaired.
        store(result.observation, result.evaluation, at, read_s=result.read_s, score_s=result.score_s)
        incidents_record(result.evaluation, at)
    FLEET_COLLECTOR.show(result.evaluation)
    return replace(result, store_s=_record_phase("store", began_s), stored=True)


def _newest() -> FleetEvaluation | None:
    return FleetEvaluation.objects.filter(outcome=FleetEvaluation.OK).order_by("-at").first()


def _without_forgotten(observation: Observation, at_s: float) -> Observation:
    """The observation without services that have been silent for longer than ANDEN_FLEET_FORGET_AFTER_S."""
    silent = np.isnan(last_data_s(observation))
    if not silent.any():
        return observation
    oldest = _moment(at_s - settings.FLEET.forget_after_s)
    awaited = set(FleetService.objects.filter(last_seen__gte=oldest).values_list("name", flat=True))
    yesterday = np.asarray(np.isfinite(observation.past[:, :, :1]).any(axis=(1, 2, 3)))
    if settings.FLEET.forget_after_s < DAY_S:
        yesterday[:] = False
    known = set(FleetService.objects.values_list("name", flat=True))
    kept = [
        not silent[row] or name in awaited or (name not in known and yesterday[row])
        for row, name in enumerate(observation.services)
    ]
    return observation if all(kept) else observation_subset(observation, np.array(kept))


def _flagged_since(newest: FleetEvaluation | None) -> dict[tuple[str, str], float]:
    """When each signal flagged by the newest evaluation was first flagged, epoch seconds."""
    return {(flag.service, flag.signal): flag.since_s for flag in fleet_flags(newest)} if newest else {}


def _record_failure(error: MonitoringError, at_s: float) -> None:
    """Store the failure. Once the newest successful evaluation is stale, every service is without data."""
    at = _moment(at_s)
    failure = FleetEvaluation(at=at, outcome=type(error).__name__, error=str(error), window_s=0, read_s=0)
    with transaction.atomic():
        FleetEvaluation.objects.bulk_create([failure], ignore_conflicts=True)
        fresh = at - timedelta(seconds=settings.FLEET.stale_after_s)
        if not FleetEvaluation.objects.filter(outcome=FleetEvaluation.OK, at__gte=fresh).exists():
            FleetService.objects.exclude(state=ServiceState.NO_DATA).update(state=ServiceState.NO_DATA, since=at)


@contextmanager
def _only_one(*, keep_lock: bool) -> Iterator[None]:
    """Hold this database's evaluator lock, with `keep_lock` until the session ends.

    Raises EvaluatorBusy: another session holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_LOCK})")
        row = cursor.fetchone()
    if not (row and row[0]):
        raise EvaluatorBusy
    try:
        yield
    finally:
        # The lock ends with its session, and one session may take it several times.
        if not keep_lock:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock({_LOCK})")


def _record_phase(name: str, began_s: float) -> float:
    """The seconds since `began_s`, recorded for this phase."""
    seconds = time.perf_counter() - began_s
    prometheus.histogram(FLEET_EVALUATION_SECONDS).labels(name).observe(seconds)
    return seconds


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
