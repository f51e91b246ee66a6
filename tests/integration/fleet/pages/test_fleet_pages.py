"""The pages of the fleet: who may see them, what they show, and what they cost for any fleet size."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pydantic import HttpUrl

from apps.fleet.engine.policy import DEFAULT_POLICY
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.management.commands.fleet import Command
from apps.fleet.models.fleet import FleetService
from apps.fleet.models.incidents import Incident
from apps.fleet.services.incidents import incident_transition
from apps.fleet.simulation import Fault, FaultKind
from apps.fleet.simulation.fault_spec import parse_fault
from apps.fleet.simulation.names import service_names
from tests.integration.fleet.pages.conftest import Evaluated, LoginAs
from tests.station import Station

OUTLIER = Fault(factor=4.0, services=(3,), start_s=7_200)
FLEET = "fleet"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_urls_are_below_the_admin() -> None:
    assert reverse(FLEET) == "/admin/monitoring/fleet/"
    assert reverse("fleet-service", args=["a/b c"]) == "/admin/monitoring/fleet/a/b%20c/"


def test_a_user_without_permission_is_refused(evaluated: Evaluated, login_as: LoginAs) -> None:
    evaluated(8)
    name = FleetService.objects.values_list("name", flat=True)[0]
    for url in (reverse(FLEET), reverse("fleet-service", args=[name])):
        answer = Client().get(url)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={quote(url)}")
    outsider = login_as("outsider")
    assert outsider.get(reverse(FLEET)).status_code == 403
    assert outsider.get(reverse("fleet-service", args=[name])).status_code == 403
    assert reverse(FLEET) not in text_of(outsider.get(reverse("admin:index")))
    assert reverse(FLEET) in text_of(login_as("viewer").get(reverse("admin:index")))


def test_an_empty_fleet_page_explains_how_to_connect_one(login_as: LoginAs) -> None:
    shown = text_of(login_as("viewer").get(reverse(FLEET)))
    assert "ANDEN_FLEET_PROMETHEUS_URL" in shown
    commands = [words.split() for words in re.findall(r"manage.py fleet ([^<`]+)", shown)]
    assert {words[0] for words in commands} == {"evaluate", "simulate"}
    for words in commands:
        given = Command().create_parser("manage.py", "fleet").parse_args(words)
        for fault in getattr(given, "fault", ()):
            parse_fault(fault, service_names(given.services), ("a",))


def test_the_outlier_is_listed_with_its_reason_incident_and_plot(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(50, OUTLIER)
    name = fleet.services[3]
    shown = text_of(login_as("viewer").get(reverse(FLEET)))
    assert re.search(f"({name} is an outlier among|of) 50 services", shown)
    incident = Incident.objects.get(subject=name)
    assert reverse("admin:fleet_incident_change", args=[incident.pk]) in shown
    assert "times its baseline" in shown
    bound = f"{DEFAULT_POLICY.threshold(50, len(SIGNALS)):.1f}"
    assert f"flagged at a score of {bound} in one signal" in shown
    assert f"outlier ({bound} or more" in shown
    assert 1 <= shown.count('class="fl-plot"') <= 6
    first = shown.split("<tbody>")[1].split("</tr>")[0]
    assert name in first
    assert shown.count('<tr><th scope="row">') == 50
    for svg in re.findall(r"<svg class=\"fl-.*?</svg>", shown, re.DOTALL):
        assert "<title>" in svg


def test_an_earlier_false_alarm_is_shown_with_the_next_flag(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(50, OUTLIER)
    name = fleet.services[3]
    incident_transition(Incident.objects.get(subject=name).pk, "closed", by="nora", reason="false_alarm")
    client = login_as("viewer")
    for url in (reverse(FLEET), reverse("fleet-service", args=[name])):
        assert re.search(r"Called a false alarm on \d{4}-\d\d-\d\d by nora\.", text_of(client.get(url))), url
    assert name in text_of(client.get(reverse(FLEET))).split("</tbody>")[0]


def test_a_stale_page_shows_a_warning_and_no_healthy_service(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(8, age_s=2 * settings.FLEET.stale_after_s)
    client = login_as("viewer")
    shown = text_of(client.get(reverse(FLEET)))
    assert "The current state of the fleet is unknown" in shown
    assert "The fleet has not been evaluated since" in shown
    assert re.search(r"Healthy</span>\s*<span class=\"st-figure\">0<", shown)
    assert "The fleet has not been evaluated since" in text_of(client.get(reverse("admin:index")))
    page = text_of(client.get(reverse("fleet-service", args=[fleet.services[0]])))
    assert "Stale data" in page


def test_an_event_is_one_banner(evaluated: Evaluated, login_as: LoginAs) -> None:
    evaluated(50, Fault(FaultKind.FLEET, 1.9, ("latency_p95", "database_read"), start_s=7_200))
    shown = text_of(login_as("viewer").get(reverse(FLEET)))
    assert "The entire fleet has shifted" in shown
    assert shown.count('role="status"') == 1
    assert Incident.objects.filter(kind="fleet").count() == 1
    # The engine may flag one healthy service by chance, but none because of the shift.
    assert Incident.objects.exclude(kind="fleet").count() <= 1


def test_a_flapping_service_opens_at_most_one_incident_an_hour(evaluated: Evaluated, station: Station) -> None:
    flapping = Fault(FaultKind.FLAP, 6.0, ("latency_p95",), services=(3,), start_s=4 * 3_600, period_s=3_000)
    fleet = evaluated(20, flapping, rounds=40, every_s=300)
    opened = list(
        Incident.objects.filter(subject=fleet.services[3], kind="outlier")
        .order_by("opened_at")
        .values_list("opened_at", flat=True)
    )
    assert opened
    assert all((later - earlier).total_seconds() > 3_600 for earlier, later in pairwise(opened))
    assert Incident.objects.filter(subject=fleet.services[3], recurrences__gt=0).exists()


def test_services_that_shift_with_their_zone_link_to_its_incident(evaluated: Evaluated, login_as: LoginAs) -> None:
    evaluated(60, Fault(FaultKind.ZONE, 2.2, ("latency_p95", "database_read"), services=(1,), start_s=7_200))
    incident = Incident.objects.get(kind="zone")
    shown = text_of(login_as("viewer").get(reverse(FLEET)))
    url = reverse("admin:fleet_incident_change", args=[incident.pk])
    assert shown.count(url) > 5
    assert f"Zone {incident.subject}" in shown
    assert Incident.objects.filter(kind="outlier").count() <= 1


def cost(client: Client, url: str) -> tuple[int, int]:
    """Statements and bytes of a page with warm caches."""
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(captured), len(answer.content)


@pytest.mark.parametrize("services", [8, 50, 1_000, 10_000])
def test_pages_need_a_bounded_number_of_statements_and_bytes(
    evaluated: Evaluated, login_as: LoginAs, services: int
) -> None:
    faulty = tuple(range(0, services, max(2, services // 40)))[:40]
    fleet = evaluated(services, Fault(factor=6.0, services=faulty, start_s=7_200), rounds=1, days=2)
    client = login_as("steward")
    urls = (reverse(FLEET), reverse("fleet-service", args=[fleet.services[0]]), reverse("admin:index"))
    for url in urls:
        statements, size = cost(client, url)
        assert statements <= 20
        assert size <= 300_000
    rows = text_of(client.get(reverse(FLEET))).count('<tr><th scope="row">')
    assert rows <= 60


def test_a_service_shows_six_signals_its_flags_and_its_incidents(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(50, OUTLIER)
    client, name = login_as("viewer"), fleet.services[3]
    shown = text_of(client.get(reverse("fleet-service", args=[name])))
    assert shown.count('class="fl-gauge"') == 6
    assert shown.count('<tr class="fl-bad">') >= 1
    incident = Incident.objects.get(subject=name)
    assert f"#{incident.pk}" in shown
    assert incident.sentence.split(" times ")[0] in shown
    assert client.get(reverse("fleet-service", args=["outsider"])).status_code == 404


def test_a_silent_service_is_shown_as_no_data(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(20, Fault(FaultKind.SILENT, services=(4,), start_s=7_200))
    shown = text_of(login_as("viewer").get(reverse("fleet-service", args=[fleet.services[4]])))
    assert "no data</span>" in shown
    assert 'class="fl-gauge"' not in shown


def test_grafana_is_linked_only_if_configured(
    evaluated: Evaluated, login_as: LoginAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = evaluated(8)
    client, url = login_as("viewer"), reverse("fleet-service", args=[fleet.services[0]])
    monkeypatch.setattr(settings, "GRAFANA", settings.GRAFANA.model_copy(update={"url": None}))
    assert "in Grafana" not in text_of(client.get(url))
    known = settings.GRAFANA.model_copy(update={"url": HttpUrl("https://grafana.example/")})
    monkeypatch.setattr(settings, "GRAFANA", known)
    wanted = f"https://grafana.example/d/anden-service?var-service={fleet.services[0]}"
    assert wanted in text_of(client.get(url))


def test_the_start_page_shows_an_alarm_only_with_an_incident(evaluated: Evaluated, login_as: LoginAs) -> None:
    fleet = evaluated(50, OUTLIER)
    client = login_as("viewer")
    shown = text_of(client.get(reverse("admin:index")))
    assert re.search(r"\d incidents? ", shown)
    assert fleet.services[3] in shown.split("st-alarm")[1]
    assert " not acknowledged" in shown
    assert "st-hushed" not in shown
    Incident.objects.update(quiet_since=timezone.now())
    hushed = text_of(client.get(reverse("admin:index")))
    assert "st-alarm" not in hushed
    assert re.search(r"\d quiet incidents? ", hushed)
    assert fleet.services[3] in hushed.split("st-hushed")[1]
    for incident in Incident.objects.all():
        incident_transition(incident.pk, "closed", by="nora", reason="fixed")
    calm = text_of(client.get(reverse("admin:index")))
    assert "st-alarm" not in calm
    assert "st-hushed" not in calm
    assert "Fleet of 50" in calm
