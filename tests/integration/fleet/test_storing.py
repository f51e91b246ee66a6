"""Stored evaluations: complete or absent, one at a time, and never "ok" without data."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.observation import Observation
from apps.fleet.errors import EvaluatorBusy
from apps.fleet.metrics import FLEET_EVALUATIONS
from apps.fleet.models.fleet import FleetDetail, FleetEvaluation, FleetService
from apps.fleet.models.incidents import Incident
from apps.fleet.selectors.fleet import fleet_view
from apps.fleet.services import evaluation as service
from apps.fleet.services.evaluation import fleet_evaluate, fleet_purge, fleet_release_lock
from apps.fleet.tasks import purge_fleet
from apps.telemetry import prometheus
from apps.telemetry.errors import SourceUnavailable
from tests.integration.fleet.conftest import AT_S, HeldSource
from tests.station import Station

OUTLIER = "service-007"


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _rows() -> tuple[int, int, int, int]:
    models = (FleetEvaluation, FleetDetail, FleetService, Incident)
    evaluations, details, services, incidents = (model.objects.count() for model in models)
    return evaluations, details, services, incidents


def test_an_evaluation_is_stored_with_its_services_and_shown(station: Station, source: HeldSource) -> None:
    source.factors = {(OUTLIER, "latency_p95"): 3}
    source.silent = {"service-003"}
    result = fleet_evaluate(source, at_s=AT_S)
    view = fleet_view(_at(AT_S + 20))
    assert result.stored
    assert {flag.service for flag in result.evaluation.flags} == {OUTLIER}
    assert view.counts == {
        ServiceState.OK: 28,
        ServiceState.OUTLIER: 1,
        ServiceState.NO_DATA: 1,
        ServiceState.LEARNING: 0,
    }
    assert (view.age_s, view.stale_reason) == (20, "")
    assert [row.service for row in view.worst] == [OUTLIER]
    assert view.heat_labels[0] == OUTLIER
    assert view.heat.shape == (30, 1)
    assert np.isnan(view.heat[view.heat_labels.index("service-003")]).all()
    (multiple,) = view.multiples
    assert multiple.flag == result.evaluation.flags[0]
    assert np.median(multiple.values) == pytest.approx(0.3, rel=0.1)
    assert multiple.low[0] < multiple.median[0] < multiple.high[0] < 0.2
    assert FleetService.objects.get(name=OUTLIER).state == ServiceState.OUTLIER
    assert FleetService.objects.get(name="service-003").state == ServiceState.NO_DATA


def test_since_is_kept_across_evaluations(station: Station, source: HeldSource) -> None:
    source.factors = {(OUTLIER, "latency_p95"): 3}
    first = fleet_evaluate(source, at_s=AT_S).evaluation.flags[0]
    later = fleet_evaluate(source, at_s=AT_S + 1800).evaluation.flags[0]
    assert later.since_s == first.since_s
    assert FleetService.objects.get(name=OUTLIER).since == _at(AT_S)
    assert FleetDetail.objects.count() == 1, "only the newest detail is kept"


def test_a_second_evaluator_raises_evaluator_busy(station: Station, source: HeldSource) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Waiting(HeldSource):
        def observe(self, at_s: float) -> Observation:
            inside.set()
            assert go_on.wait(30)
            return super().observe(at_s)

    def first() -> None:
        try:
            fleet_evaluate(Waiting(), at_s=AT_S)
        finally:
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    with pytest.raises(EvaluatorBusy, match="Another process"):
        fleet_evaluate(source, at_s=AT_S + 60)
    assert _rows() == (0, 0, 0, 0)
    go_on.set()
    thread.join(30)
    assert _rows()[0] == 1
    assert fleet_evaluate(source, at_s=AT_S + 60).stored


def test_one_of_two_evaluators_works_and_the_other_takes_over(station: Station, source: HeldSource) -> None:
    done, leave = threading.Event(), threading.Event()

    def first() -> None:
        try:
            for minute in range(3):
                fleet_evaluate(HeldSource(), at_s=AT_S + 60 * minute, keep_lock=True)
            done.set()
            assert leave.wait(30)
        finally:
            # End the session as if the process were killed: a pool would keep it.
            with connection.cursor() as cursor, suppress(DatabaseError):
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert done.wait(30)
    with pytest.raises(EvaluatorBusy):
        fleet_evaluate(source, at_s=AT_S + 300, keep_lock=True)
    leave.set()
    thread.join(30)
    assert fleet_evaluate(source, at_s=AT_S + 300, keep_lock=True).stored
    # The session returns to a pool and must not hold the lock.
    fleet_release_lock()
    with station.connect("default") as other:
        free = other.execute("SELECT pg_try_advisory_lock(hashtextextended('anden fleet evaluation', 0))").fetchone()
    assert free == (True,)


def test_a_dead_session_releases_the_evaluator_lock(station: Station, source: HeldSource) -> None:
    class Dying(HeldSource):
        def observe(self, at_s: float) -> Observation:
            with connection.cursor() as cursor, station.admin() as admin:
                cursor.execute("SELECT pg_backend_pid()")
                row = cursor.fetchone()
                assert row
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", row)
            return super().observe(at_s)

    with pytest.raises(Exception, match=r"terminat|closed"):
        fleet_evaluate(Dying(), at_s=AT_S)
    connections.close_all()
    assert _rows() == (0, 0, 0, 0)
    assert fleet_evaluate(source, at_s=AT_S).stored


@pytest.mark.parametrize("step", ["store", "incidents_record"])
def test_a_killed_evaluation_stores_nothing_partial(
    station: Station, source: HeldSource, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    original = getattr(service, step)

    def killed(*args: object, **named: object) -> None:
        original(*args, **named)
        raise KeyboardInterrupt

    source.factors = {(OUTLIER, "latency_p95"): 3}
    fleet_evaluate(source, at_s=AT_S)
    before = _rows()
    monkeypatch.setattr(service, step, killed)
    with pytest.raises(KeyboardInterrupt):
        fleet_evaluate(source, at_s=AT_S + 60)
    assert _rows() == before
    assert fleet_view(_at(AT_S + 60)).at == _at(AT_S)
    monkeypatch.undo()
    assert fleet_evaluate(source, at_s=AT_S + 60).stored, "the next run continues"


def test_an_older_evaluation_is_returned_but_not_stored(station: Station, source: HeldSource) -> None:
    fleet_evaluate(source, at_s=AT_S)
    before = _rows()
    result = fleet_evaluate(source, at_s=AT_S - 3600)
    assert not result.stored
    assert result.evaluation.at_s == AT_S - 3600
    assert _rows() == before


def test_an_unavailable_source_is_never_ok(station: Station, source: HeldSource) -> None:
    fleet_evaluate(source, at_s=AT_S)
    source.failure = SourceUnavailable("Prometheus does not respond")
    counter = prometheus.counter(FLEET_EVALUATIONS).labels("SourceUnavailable")
    before = counter._value.get()
    with pytest.raises(SourceUnavailable):
        fleet_evaluate(source, at_s=AT_S + 60)
    assert counter._value.get() == before + 1
    soon = fleet_view(_at(AT_S + 70))
    assert soon.stale_reason == "Prometheus does not respond"
    assert soon.counts[ServiceState.OK] == 30, "after one failure the last result still holds"
    late_s = AT_S + settings.FLEET.stale_after_s + 60
    with pytest.raises(SourceUnavailable):
        fleet_evaluate(source, at_s=late_s)
    late = fleet_view(_at(late_s))
    assert late.counts == {
        ServiceState.OK: 0,
        ServiceState.OUTLIER: 0,
        ServiceState.NO_DATA: 30,
        ServiceState.LEARNING: 0,
    }
    assert set(FleetService.objects.values_list("state", flat=True)) == {ServiceState.NO_DATA}
    source.failure = None
    fleet_evaluate(source, at_s=late_s + 60)
    recovered = fleet_view(_at(late_s + 60))
    assert (recovered.stale_reason, recovered.counts[ServiceState.OK]) == ("", 30)
    assert np.isnan(recovered.heat).all(axis=0).tolist() == [False, True, True, False], "the gap remains visible"


def test_a_fleet_without_evaluator_becomes_stale(station: Station, source: HeldSource) -> None:
    assert fleet_view().is_empty()
    assert "never been evaluated" in fleet_view().stale_reason
    fleet_evaluate(source, at_s=AT_S)
    view = fleet_view(_at(AT_S + 7200))
    assert view.counts[ServiceState.NO_DATA] == 30
    assert "The fleet has not been evaluated since" in view.stale_reason


def test_a_silent_service_has_no_data_and_is_forgotten_later(station: Station, source: HeldSource) -> None:
    fleet_evaluate(source, at_s=AT_S)
    source.silent = {"service-001"}
    result = fleet_evaluate(source, at_s=AT_S + 3600)
    assert result.evaluation.count(ServiceState.NO_DATA) == 1
    gone_s = AT_S + settings.FLEET.forget_after_s + 60
    result = fleet_evaluate(source, at_s=gone_s)
    assert "service-001" not in result.evaluation.services
    assert fleet_view(_at(gone_s)).counts[ServiceState.NO_DATA] == 0
    source.silent = set()
    result = fleet_evaluate(source, at_s=gone_s + 60)
    assert "service-001" in result.evaluation.services


def test_a_service_absent_from_the_source_is_not_ok(station: Station, source: HeldSource) -> None:
    fleet_evaluate(source, at_s=AT_S)
    source.names = source.names[1:]
    fleet_evaluate(source, at_s=AT_S + 60)
    gone = FleetService.objects.get(name="service-000")
    assert (gone.state, gone.since) == (ServiceState.NO_DATA, _at(AT_S + 60))


def test_an_evaluation_without_services_fails(station: Station) -> None:
    with pytest.raises(SourceUnavailable, match="returned no service"):
        fleet_evaluate(HeldSource(services=0), at_s=AT_S)
    assert FleetEvaluation.objects.get().outcome == "SourceUnavailable"
    view = fleet_view(_at(AT_S))
    assert view.is_empty()
    assert "nothing was evaluated" in view.stale_reason


def test_old_evaluations_are_purged_except_the_newest(station: Station, source: HeldSource) -> None:
    for hours in (0, 1, 2):
        fleet_evaluate(source, at_s=AT_S + 3600 * hours)
    keep = timedelta(days=settings.FLEET.keep_days)
    assert fleet_purge(_at(AT_S + 3600 + 60) + keep) == (2, 0)
    assert fleet_purge(_at(AT_S + 9999) + keep) == (0, 30), "services unseen for as long are deleted, too"
    assert FleetEvaluation.objects.count() == FleetDetail.objects.count() == 1
    assert fleet_view(_at(AT_S + 7200)).services == 30


def test_beat_schedules_the_purge(station: Station, source: HeldSource) -> None:
    now_s = time.time()
    for at_s in (now_s - 20 * 86_400, now_s):
        fleet_evaluate(source, at_s=at_s)
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert purge_fleet.name in scheduled
    purge_fleet()
    assert [row.at for row in FleetEvaluation.objects.all()] == [_at(now_s)]


def test_a_service_that_flaps_opens_one_incident_an_hour(station: Station, source: HeldSource) -> None:
    for minute in range(0, 120, 5):
        faulty = (minute // 10) % 2 == 0
        source.factors = {(OUTLIER, "latency_p95"): 4} if faulty else {}
        fleet_evaluate(source, at_s=AT_S + 60 * minute)
    assert Incident.objects.filter(subject=OUTLIER).count() <= 2
    assert Incident.objects.count() >= 1


def test_an_unchanged_service_row_is_not_written(station: Station, source: HeldSource) -> None:
    def versions() -> set[str]:
        with station.admin() as admin:
            return {str(row) for row in admin.execute("SELECT name, xmin FROM monitoring_fleetservice").fetchall()}

    fleet_evaluate(source, at_s=AT_S)
    before = versions()
    fleet_evaluate(source, at_s=AT_S + 60)
    assert versions() == before
    fleet_evaluate(source, at_s=AT_S + 660)
    assert versions().isdisjoint(before), "last_seen is written once in ten minutes"
