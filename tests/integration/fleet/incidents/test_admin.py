"""Incidents in the admin: viewers read, stewards act, and form errors appear at their field."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.fleet.models.incidents import Incident
from apps.fleet.services.incidents import incident_transition, incidents_record
from tests.evaluations import evaluation, event, flag
from tests.integration.fleet.pages.conftest import LoginAs, login_as
from tests.station import Station

__all__ = ["login_as"]

FIFTY = tuple(f"service-{number}" for number in range(50))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIST = "admin:fleet_incident_changelist"


@pytest.fixture
def incident(station: Station) -> Incident:
    for minute in (-5, 0):
        current = evaluation(FIFTY, flag("service-3"), flag("service-3", "latency_p95", score=5.0))
        incidents_record(current, NOON + timedelta(minutes=minute))
    incidents_record(evaluation(FIFTY, flag("service-3", score=9.5)), NOON + timedelta(minutes=1))
    return Incident.objects.get()


def page(incident: Incident) -> str:
    return reverse("admin:fleet_incident_change", args=[incident.pk])


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_page_shows_the_sentence_every_figure_and_the_history(incident: Incident, login_as: LoginAs) -> None:
    shown = text_of(login_as("viewer").get(page(incident)))
    assert incident.sentence in shown
    for figure in ("6.0 %", "2.0 %", "2.1 %", "9.5", "49", "30 min", "level"):
        assert f">{figure}<" in shown, figure
    assert shown.count('class="fl-score-history"') == 1
    assert "· Andén</span>" in shown
    assert "outlier from 3.6" in shown  # DEFAULT_POLICY.threshold of up to a thousand services


def test_the_old_url_redirects_to_the_incident(incident: Incident, login_as: LoginAs) -> None:
    there = page(incident)
    answer = login_as("viewer").get(there.replace("/fleet/", "/monitoring/") + "?active=yes")
    assert (answer.status_code, answer.headers["Location"]) == (302, there + "?active=yes")


@pytest.mark.parametrize("kind", ["fleet", "zone", "no_data"])
def test_every_kind_has_a_page(station: Station, login_as: LoginAs, kind: str) -> None:
    events = (event(), event("b"))
    for minute in (0, 11):
        current = evaluation(FIFTY, events=events, silent=FIFTY[:30])
        incidents_record(current, NOON + timedelta(minutes=minute))
    incident = Incident.objects.get(kind=kind)
    shown = text_of(login_as("steward").get(page(incident)))
    assert incident.sentence in shown
    assert (">×1.60</td>" in shown) == (kind != "no_data")
    assert (">Latency p95</th>" in shown) == (kind != "no_data")
    assert ("Zone b</span>" in shown) == (kind == "zone")
    assert ("service-29" in shown) == (kind == "no_data")
    assert "outlier from" not in shown


def test_a_viewer_can_read_but_not_act(incident: Incident, login_as: LoginAs) -> None:
    viewer = login_as("viewer")
    assert "transition_form" not in text_of(viewer.get(page(incident)))
    assert viewer.post(page(incident), {"target": "acknowledged"}).status_code == 403
    viewer.post(reverse(LIST), {"action": "acknowledge", "_selected_action": [incident.pk]})
    incident.refresh_from_db()
    assert incident.status == "open"


def test_a_user_without_permission_sees_nothing(incident: Incident, login_as: LoginAs) -> None:
    outsider = login_as("outsider")
    assert outsider.get(page(incident)).status_code == 403
    assert outsider.get(reverse(LIST)).status_code == 403
    assert Client().get(page(incident)).status_code == 302


def test_a_steward_changes_the_status_and_closing_needs_a_reason(incident: Incident, login_as: LoginAs) -> None:
    steward = login_as("steward")
    for target in ("acknowledged", "mitigated"):
        assert steward.post(page(incident), {"target": target}).status_code == 302
    refused = text_of(steward.post(page(incident), {"target": "closed", "note": "done"}))
    assert "choose why you close it: fixed; expected, or a change we made; false alarm;" in refused
    assert ">done</textarea>" in refused
    assert "choices" in text_of(steward.post(page(incident), {"target": "closed", "reason": "no such"}))
    incident.refresh_from_db()
    assert incident.status == "mitigated"
    assert steward.post(page(incident), {"target": "closed", "reason": "fixed"}).status_code == 302
    incident.refresh_from_db()
    assert (incident.status, incident.reason, incident.closed_by) == ("closed", "fixed", "a steward")
    needs_note = text_of(steward.post(page(incident), {"target": "open"}))
    assert "explain why you reopen it" in needs_note
    assert steward.post(page(incident), {"target": "open", "note": "it is back"}).status_code == 302
    assert [note.target for note in incident.notes.all()] == ["open", "acknowledged", "mitigated", "closed", "open"]


def test_an_invalid_transition_is_refused_with_an_explanation(incident: Incident, login_as: LoginAs) -> None:
    shown = text_of(login_as("steward").post(page(incident), {"target": "heaven"}))
    assert "cannot change from open to heaven" in shown


def test_open_incidents_are_acknowledged_in_bulk(incident: Incident, login_as: LoginAs) -> None:
    answer = login_as("steward").post(
        reverse(LIST), {"action": "acknowledge", "_selected_action": [incident.pk]}, follow=True
    )
    assert "Acknowledged 1 incidents" in text_of(answer)
    incident.refresh_from_db()
    assert incident.status == "acknowledged"
    assert incident.notes.last().by == "a steward"  # type: ignore[union-attr] # there is one


def test_the_list_shows_active_incidents_first_at_constant_cost(station: Station, login_as: LoginAs) -> None:
    for minute in (-5, 0):
        incidents_record(evaluation(FIFTY, flag("service-1")), NOON + timedelta(minutes=minute))
    client, url = login_as("viewer"), reverse(LIST)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for minute in (1, 6):
        incidents_record(evaluation(FIFTY, *(flag(name) for name in FIFTY[:40])), NOON + timedelta(minutes=minute))
    newest = Incident.objects.order_by("-pk")[0]
    incident_transition(newest.pk, "closed", by="nora", reason="expected")
    with CaptureQueriesContext(connection) as many:
        shown = text_of(client.get(url))
    assert len(many) == len(few)
    assert shown.index("#" + str(Incident.objects.order_by("pk")[0].pk)) < shown.index(f"#{newest.pk}")
    assert f"#{newest.pk}" not in text_of(client.get(url, {"active": "yes"}))
    assert f"#{newest.pk}" in text_of(client.get(url, {"active": "no"}))
