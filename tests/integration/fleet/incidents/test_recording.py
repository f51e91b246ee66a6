"""Incidents in PostgreSQL: one per problem, however often and concurrently it is recorded."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.fleet.engine.evaluation import Evaluation
from apps.fleet.errors import TransitionRefused
from apps.fleet.incidents.detections import Detection, DetectionSet
from apps.fleet.incidents.lifecycle import IncidentKind
from apps.fleet.incidents.transitions import PENDING_S
from apps.fleet.metrics import OPEN_INCIDENTS
from apps.fleet.models.incidents import Incident, IncidentNote, IncidentSuspicion
from apps.fleet.selectors.incidents import active_incidents, current_by_subject, false_alarms
from apps.fleet.services.incidents import (
    IncidentUpdateSummary,
    incident_transition,
    incidents_acknowledge,
    incidents_reconcile,
    incidents_record,
)
from apps.telemetry import prometheus
from tests.evaluations import evaluation, event, flag
from tests.station import Station

FIFTY = tuple(f"service-{number}" for number in range(50))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OUTLIER = evaluation(FIFTY, flag("service-3"))
HEALTHY = evaluation(FIFTY)


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def opened(current: Evaluation, at: datetime = NOON) -> IncidentUpdateSummary:
    """Record an evaluation whose flags have persisted just long enough to open incidents."""
    incidents_record(current, at - timedelta(seconds=PENDING_S["outlier"]))
    return incidents_record(current, at)


def test_a_flag_opens_an_incident_after_five_minutes(station: Station) -> None:
    other_signal = evaluation(FIFTY, flag("service-3", "latency_p95"))
    assert incidents_record(OUTLIER, NOON).opened == 0
    assert incidents_record(HEALTHY, after(1)).opened == 0
    assert not IncidentSuspicion.objects.exists()
    assert [
        incidents_record(current, after(2 + at)).opened for at, current in enumerate((OUTLIER, other_signal, OUTLIER))
    ] == [0] * 3
    assert incidents_record(OUTLIER, after(6.9)).opened == 0
    assert incidents_record(OUTLIER, after(7)).opened == 1


def test_a_service_that_never_stays_flagged_opens_no_incident(station: Station) -> None:
    for minute in range(0, 120, 3):
        incidents_record(OUTLIER if minute % 2 else HEALTHY, after(minute))
    assert not Incident.objects.exists()


def test_an_outlier_opens_one_incident_with_every_figure(station: Station) -> None:
    changed = opened(OUTLIER)
    assert (changed.opened, changed.active) == (1, 1)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.signal) == ("outlier", "service-3", "error_ratio")
    assert incident.evidence["flags"][0]["baseline"] == 0.02
    assert incident.score_history == [[NOON.timestamp(), 8.0]]
    note = incident.notes.get()
    assert (note.by, note.source, note.target, note.note) == ("", "", "open", incident.sentence)
    assert prometheus.gauge_values(OPEN_INCIDENTS)[("outlier",)] == 1


def test_recording_the_same_evaluation_twice_changes_nothing(station: Station) -> None:
    opened(OUTLIER)
    before = list(Incident.objects.values()) + list(IncidentNote.objects.values())
    assert incidents_record(OUTLIER, NOON).opened == 0
    assert list(Incident.objects.values()) + list(IncidentNote.objects.values()) == before


def test_concurrent_recordings_open_one_incident(station: Station) -> None:
    barrier, failed = Barrier(4), list[BaseException]()
    incidents_record(OUTLIER, after(-5))

    def record() -> None:
        try:
            barrier.wait(10)
            incidents_record(OUTLIER, NOON)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must fail the test
            failed.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert Incident.objects.count() == IncidentNote.objects.count() == 1


def test_the_database_refuses_a_second_active_incident(station: Station) -> None:
    opened(OUTLIER)
    first = Incident.objects.get()
    for signal in ("error_ratio", "saturation"):
        with pytest.raises(IntegrityError, match="one_active_incident"), transaction.atomic():
            Incident.objects.create(
                kind=first.kind, subject=first.subject, signal=signal, opened_at=NOON, last_seen_at=NOON
            )
    quality = {"kind": "quality", "subject": "flights", "opened_at": NOON, "last_seen_at": NOON}
    Incident.objects.create(**quality, signal="late")
    Incident.objects.create(**quality, signal="rejects")


def test_a_flapping_service_opens_one_incident_in_six_hours(station: Station) -> None:
    opened(OUTLIER)
    for minute in range(0, 360, 5):
        incidents_record(OUTLIER if minute % 10 else HEALTHY, after(minute))
    incident = Incident.objects.get()
    assert incident.status == "open"
    assert incident.recurrences == 35
    assert incident.notes.count() == 1
    assert len(incident.score_history) == 37


def test_an_undetected_problem_becomes_quiet_and_closes_with_a_history_entry(station: Station) -> None:
    opened(OUTLIER)
    assert incidents_record(HEALTHY, after(5)).quieted == 1
    assert Incident.objects.get().quiet_since == after(5)
    assert incidents_record(HEALTHY, after(124)).recovered == 0
    changed = incidents_record(HEALTHY, after(125))
    assert (changed.recovered, changed.active) == (1, 0)
    incident = Incident.objects.get()
    assert (incident.status, incident.reason, incident.closed_by) == ("closed", "recovered", "")
    assert [note.target for note in incident.notes.all()] == ["open", "closed"]
    assert "Not detected since 2026-11-24 12:05" in incident.notes.all()[1].note
    assert incidents_record(OUTLIER, after(130)).reopened == 1
    assert "no longer detected" in Incident.objects.get().notes.all()[2].note


def test_an_unmonitored_service_is_not_reported_as_healthy(station: Station) -> None:
    opened(OUTLIER)
    others = tuple(name for name in FIFTY if name != "service-3")
    for minute in (5, 130):
        incidents_record(evaluation(others), after(minute))
    assert "no longer monitored" in Incident.objects.get().notes.all()[1].note


def test_a_fleet_event_opens_one_incident_and_its_members_none(station: Station) -> None:
    incidents_record(evaluation(FIFTY, events=(event(), event(signal="error_ratio"), event("b"))), NOON)
    assert list(Incident.objects.order_by("kind").values_list("kind", "subject")) == [
        ("fleet", "the fleet"),
        ("zone", "b"),
    ]


def test_missing_data_opens_its_own_incident_after_ten_minutes(station: Station) -> None:
    silent = evaluation(FIFTY, silent=("service-9",))
    incidents_record(silent, NOON)
    assert not Incident.objects.exists()
    assert IncidentSuspicion.objects.get().subject == "service-9"
    incidents_record(HEALTHY, after(5))
    assert not IncidentSuspicion.objects.exists()
    incidents_record(silent, after(6))
    assert incidents_record(silent, after(15)).opened == 0
    assert incidents_record(silent, after(16)).opened == 1
    assert Incident.objects.get().kind == "no_data"


def test_an_outlier_that_stops_sending_has_not_recovered(station: Station) -> None:
    opened(OUTLIER)
    for minute in range(5, 300, 5):
        incidents_record(evaluation(FIFTY, silent=("service-3",)), after(minute))
    assert Incident.objects.get(subject="service-3", kind="no_data").status == "open"
    assert current_by_subject(["service-3"], after(300))["service-3"].kind == "no_data"
    assert Incident.objects.get(kind="outlier").status == "open"


def test_a_fleet_without_services_changes_nothing(station: Station) -> None:
    opened(OUTLIER)
    assert incidents_record(evaluation(()), after(600)).quieted == 0


def test_recording_needs_a_constant_number_of_statements(station: Station) -> None:
    def cost(current: Evaluation, at: datetime) -> int:
        with CaptureQueriesContext(connection) as captured:
            incidents_record(current, at)
        return len(captured)

    names = tuple(f"service-{number}" for number in range(10_000))
    many = evaluation(names, *(flag(name) for name in names[:300]))
    assert cost(many, NOON) <= 10
    assert cost(many, after(5)) <= 10
    assert Incident.objects.count() == 300
    assert cost(OUTLIER, after(300)) <= 10


def test_the_history_records_who_changed_the_status_and_why(station: Station) -> None:
    opened(OUTLIER)
    (incident,) = active_incidents(most=5)
    incident_transition(incident.pk, "acknowledged", by="nora", note="looking")
    with pytest.raises(TransitionRefused, match=r"^reason"):
        incident_transition(incident.pk, "closed", by="nora")
    incident_transition(incident.pk, "closed", by="omar", reason="false_alarm", note="a load test")
    assert [(note.by, note.source, note.target, note.reason) for note in incident.notes.all()][1:] == [
        ("nora", "open", "acknowledged", ""),
        ("omar", "acknowledged", "closed", "false_alarm"),
    ]
    with pytest.raises(TransitionRefused, match="to mitigated, only to"):
        incident_transition(incident.pk, "mitigated", by="omar")


def test_an_incident_is_not_reopened_while_its_service_has_an_active_one(station: Station) -> None:
    opened(OUTLIER)
    first = Incident.objects.get()
    incident_transition(first.pk, "closed", by="nora", reason="fixed")
    Incident.objects.filter(pk=first.pk).update(closed_at=NOON)
    opened(OUTLIER, after(120))
    with pytest.raises(TransitionRefused, match="is already active"):
        incident_transition(first.pk, "open", by="nora", note="again")
    assert Incident.objects.exclude(status="closed").count() == 1


def test_false_alarms_are_counted_by_service_and_signal(station: Station) -> None:
    current = evaluation(FIFTY, flag("service-3"), flag("service-3", "latency_p95", score=5.0), flag("service-4"))
    for day in range(2):
        opened(current, after(day * 1440))
        incident = Incident.objects.exclude(status="closed").get(subject="service-3")
        incident_transition(incident.pk, "closed", by=f"person {day}", reason="false_alarm")
        Incident.objects.filter(pk=incident.pk).update(closed_at=after(day * 1440))
    found = false_alarms(["service-3", "service-4"])
    assert set(found) == {("service-3", "error_ratio"), ("service-3", "latency_p95")}
    assert (found["service-3", "error_ratio"].times, found["service-3", "error_ratio"].last_by) == (2, "person 1")


def test_a_false_alarm_survives_reopening_its_incident(station: Station) -> None:
    opened(OUTLIER)
    incident = Incident.objects.get()
    incident_transition(incident.pk, "closed", by="nora", reason="false_alarm")
    incident_transition(incident.pk, "open", by="omar", note="not a false alarm")
    one = false_alarms(["service-3"])["service-3", "error_ratio"]
    assert (one.times, one.last_by, one.last_at) == (1, "nora", incident.notes.get(reason="false_alarm").at)
    incident_transition(incident.pk, "closed", by="omar", reason="fixed")
    assert false_alarms(["service-3"])["service-3", "error_ratio"] == one


def test_only_open_incidents_are_acknowledged_in_bulk(station: Station) -> None:
    opened(evaluation(FIFTY, flag("service-1"), flag("service-2"), flag("service-3")))
    ids = list(Incident.objects.values_list("pk", flat=True))
    incident_transition(ids[0], "mitigated", by="nora")
    assert incidents_acknowledge(ids, by="omar") == 2
    assert IncidentNote.objects.filter(by="omar", target="acknowledged").count() == 2
    assert Incident.objects.filter(status="acknowledged").count() == 2


def test_the_current_incident_is_active_or_closed_with_its_flag_still_raised(station: Station) -> None:
    opened(OUTLIER)
    incident = Incident.objects.get()
    assert current_by_subject(["service-3", "service-4"], after(1)) == {"service-3": incident}
    incident_transition(incident.pk, "closed", by="nora", reason="expected")
    assert current_by_subject(["service-3"], after(1)) == {"service-3": incident}
    assert current_by_subject(["service-3"], after(61)) == {}


def test_data_quality_has_an_incident_for_each_of_its_checks(station: Station) -> None:
    def late(*checks: str) -> DetectionSet:
        seen = tuple(
            Detection(IncidentKind.QUALITY, "flights", check, 2.0, f"flights fails {check}.") for check in checks
        )
        return DetectionSet(seen, frozenset())

    opened(OUTLIER)
    assert incidents_reconcile(late("freshness", "volume"), kinds=[IncidentKind.QUALITY], at=after(1)).opened == 2
    assert incidents_reconcile(late("freshness"), kinds=[IncidentKind.QUALITY], at=after(2)).quieted == 1
    assert incidents_record(OUTLIER, after(3)).quieted == 0
    assert set(Incident.objects.filter(quiet_since=None).values_list("kind", "signal")) == {
        ("outlier", "error_ratio"),
        ("quality", "freshness"),
    }


def test_people_and_evaluations_change_incidents_one_after_the_other(station: Station) -> None:
    opened(evaluation(FIFTY, *(flag(name) for name in FIFTY[:20])))
    ids = list(Incident.objects.values_list("pk", flat=True))
    for pk in ids:
        incident_transition(pk, "closed", by="nora", reason="fixed")
    failed = list[BaseException]()
    barrier = Barrier(3)

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            act()
        except BaseException as error:  # noqa: BLE001 - a thread's failure must fail the test
            failed.append(error)
        finally:
            connections.close_all()

    def reopen() -> None:
        for pk in reversed(ids):
            with suppress(TransitionRefused):  # an evaluation was faster
                incident_transition(pk, "open", by="nora", note="again")

    def current() -> None:
        for minute in range(1, 8):
            incidents_record(evaluation(FIFTY, *(flag(name) for name in FIFTY[10:30])), after(minute))

    acts = (reopen, current, lambda: incidents_acknowledge(ids, by="omar"))
    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert Incident.objects.count() == 30
    assert Incident.objects.exclude(status="closed").count() == 30
