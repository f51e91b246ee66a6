"""The fleet's pages in a real browser: legible in both themes, no horizontal scrolling; an incident is closed."""

import time
from collections.abc import Callable
from typing import Any, Final, Literal

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.fleet.models.incidents import Incident
from apps.fleet.services.evaluation import fleet_evaluate
from apps.fleet.simulation import Fault, FleetSpec
from tests.acceptance.console.test_browser import PASSWORD, logged_in
from tests.pinned_fleet import PinnedFleet
from tests.station import Station

PATIENCE_MS: Final = 30_000
"""The test controls the page's clock, but not the server's."""
CHECKS: Final = """
(root) => {
  const wrong = [], area = document.querySelector(root);
  const report = (what, one) => wrong.push(what + ': ' + one.outerHTML.slice(0, 120));
  area.querySelectorAll('table').forEach(one => {
    one.querySelector('thead th[scope=col]') || report('a table without headers', one);
    one.querySelectorAll('tbody tr').forEach(row =>
      row.querySelector('th[scope=row]') || report('a row without header', row));
  });
  area.querySelectorAll('svg').forEach(one => one.querySelector('title') || report('an image without title', one));
  area.querySelectorAll('a').forEach(one => one.textContent.trim() || report('a link without text', one));
  area.querySelectorAll('select, textarea, input:not([type=hidden])').forEach(one =>
    one.labels.length || one.getAttribute('aria-label') || report('a field without label', one));
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach(id => wrong.push('an id twice: ' + id));
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map(part => (part /= 255) <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [.2126, .7152, .0722][place], 0);
  const behind = one => {
    const layers = [];
    for (let up = one; up; up = up.parentElement) layers.push(rgba(getComputedStyle(up).backgroundColor));
    return layers.reverse().reduce((below, [r, g, b, a]) =>
      [r, g, b].map((part, place) => part * a / 255 + below[place] * (1 - a / 255)), [255, 255, 255]);
  };
  area.querySelectorAll('*').forEach(one => {
    const text = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!text || one.closest('svg, select, .material-symbols-outlined') || !one.getClientRects().length) return;
    const style = getComputedStyle(one), [front, back] = [light(rgba(style.color)), light(behind(one))];
    const ratio = (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < least) report('too pale (' + ratio.toFixed(1) + ')', one);
  });
  area.querySelectorAll('.fl-marks').forEach(row => {
    const shown = [...row.children].map(one => one.getBoundingClientRect()).filter(box => box.width);
    shown.slice(1).some((box, place) => box.left < shown[place].right + 4) && report('marks that overlap', row);
  });
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) wrong.push('scrolls horizontally by ' + wide);
  return wrong;
}
"""
LONG: Final = "a-name-that-a-script-generated-from-a-namespace-a-team-a-cluster-and-a-region-1"

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]


@pytest.fixture
def faulty(station: Station, monkeypatch: pytest.MonkeyPatch) -> Incident:
    """A fleet of twelve services with long names, one of them faulty; and a steward."""
    now_s = time.time() // 60 * 60
    fault = Fault(factor=5.0, services=(3,), start_s=7_200)
    fleet = PinnedFleet(FleetSpec(services=12, days=4, faults=(fault,)), 3, shown_at_s=now_s)
    monkeypatch.setattr(fleet, "services", tuple(f"{name}-{LONG}"[:80] for name in fleet.services))
    for back in range(10, -1, -1):
        fleet_evaluate(fleet, at_s=now_s - 300 * back)
    user = User.objects.create_user("nora", password=PASSWORD, is_staff=True)
    user.groups.set([Group.objects.get(name="steward")])
    return Incident.objects.get(subject=fleet.services[3], kind="outlier")


def check(page: Page, area: str) -> None:
    """Check labels, contrast and width of this area at desktop, laptop and phone sizes."""
    for width in (1440, 1280, 1000, 390):
        page.set_viewport_size({"width": width, "height": 900})
        found: list[Any] = page.evaluate(CHECKS, area)
        assert found == [], f"{area} at {width}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_on_call_engineer_finds_the_outlier_and_closes_its_incident(
    require: Callable[[str], str], faulty: Incident, live_server: LiveServer, theme: Literal["light", "dark"]
) -> None:
    with logged_in(require("chromium"), live_server, theme) as page:
        expect(page.locator(".st-alarm")).to_contain_text(faulty.subject)
        check(page, "#fleet-line")
        page.get_by_role("link", name="View the fleet").click()
        expect(page.locator(".fl-worst tbody tr").first).to_contain_text(faulty.subject)
        check(page, "#fleet")
        page.locator(".fl-worst tbody th a").first.click()
        expect(page.locator(".fl-gauge")).to_have_count(6)
        check(page, "#service")
        page.locator("#service").get_by_role("link", name=f"#{faulty.pk}").click()
        expect(page.locator("#incident")).to_be_visible()
        check(page, "#incident")

        page.get_by_role("button", name="Close").click()
        expect(page.locator("#transition_form")).to_contain_text("choose why you close it: fixed;")
        page.get_by_label("Reason").select_option("false_alarm")
        page.get_by_label("Note").fill("A load test.")
        page.get_by_role("button", name="Close").click()
        expect(page.locator(".fl-history")).to_contain_text("A load test.")
        page.goto(f"{live_server.url}{reverse('fleet')}")
        expect(page.locator(".fl-worst tbody tr").first).to_contain_text("Called a false alarm on")


def refreshed(page: Page) -> None:
    """Advance the page's clock to its next refresh, and return once the response is rendered."""
    page.locator("#fleet").evaluate("area => area.dataset.before = ''")
    page.clock.run_for(16_000)
    expect(page.locator("#fleet:not([data-before])")).to_be_visible(timeout=PATIENCE_MS)


def test_a_page_whose_refresh_fails_shows_a_warning(
    require: Callable[[str], str], faulty: Incident, live_server: LiveServer
) -> None:
    with logged_in(require("chromium"), live_server, "light") as page:
        page.clock.install()
        page.goto(f"{live_server.url}{reverse('fleet')}")
        # From here on only run_for advances the page's time: no refresh starts between two calls.
        page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
        late = page.locator("#late")
        refreshed(page)
        expect(late).to_be_hidden()
        # The response to an expired session: it must neither blank the page nor count as fresh.
        page.route("**/admin/monitoring/fleet/", lambda route: route.fulfill(status=200, body="<p>Log in</p>"))
        page.clock.run_for(60_000)
        expect(late).to_be_visible()
        expect(late).to_contain_text("Not refreshed since")
        expect(page.locator(".fl-worst")).to_be_visible()
        page.unroute("**/admin/monitoring/fleet/")
        refreshed(page)
        expect(late).to_be_hidden(timeout=PATIENCE_MS)
