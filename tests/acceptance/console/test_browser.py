"""A steward in a real browser: no external request, no script error, and the page refreshes itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.datasets.models import Dataset
from tests.integration.console.conftest import Filled
from tests.station import Station

ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PASSWORD: Final = "correct horse battery"
BATCH: Final = """
INSERT INTO datasets_batch
(id, dataset_id, version, source_id, first_offset, last_offset, rows, rejects, bytes, worker)
VALUES (1, %s, 1, 1, 0, 599, 600, 0, 1, 'worker')
"""

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True, databases="__all__")]


@contextmanager
def logged_in(chromium: str, server: LiveServer, theme: Literal["light", "dark"]) -> Iterator[Page]:
    """A logged-in steward's page; fails at the end if the browser had errors or made external requests."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(color_scheme=theme, viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: None if own(request.url, server) else errors.append(request.url))
        page.goto(f"{server.url}/admin/login/")
        page.fill("#id_username", "nora")
        page.fill("#id_password", PASSWORD)
        page.click("button[type=submit]")
        yield page
        browser.close()
    assert errors == []


def own(url: str, server: LiveServer) -> bool:
    return url.startswith((server.url, "data:", "blob:"))


@pytest.fixture
def things(station: Station) -> Dataset:
    """A dataset with a quarantined record, and a steward."""
    filled = Filled(station)
    dataset = filled.dataset("things")
    filled.rejects(dataset, filled.source(dataset), [b'{"id": "seven"}'])
    user = User.objects.create_user("nora", password=PASSWORD, is_staff=True)
    user.groups.set([Group.objects.get(name="steward")])
    return dataset


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_steward_watches_a_batch_arrive_and_finds_the_bad_record(
    require: Callable[[str], str],
    station: Station,
    things: Dataset,
    live_server: LiveServer,
    theme: Literal["light", "dark"],
) -> None:
    with logged_in(require("chromium"), live_server, theme) as page:
        row = page.locator("#station tbody tr", has_text="things")
        expect(row).to_contain_text("idle")
        expect(row.locator("td").nth(3)).to_have_text("0")
        for width in (1280, 1000):
            page.set_viewport_size({"width": width, "height": 900})
            beyond = "one => one.scrollWidth - one.clientWidth"
            assert page.locator("#station .st-scroll").evaluate(beyond) == 0, width
        with station.admin() as connection:
            connection.execute(BATCH, (things.pk,))
        expect(row).to_contain_text("active", timeout=15_000)
        expect(row.locator("td").nth(3)).to_have_text("10")
        background = page.evaluate("getComputedStyle(document.querySelector('#station .st-card')).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (theme == "light")

        page.get_by_role("link", name="things", exact=True).click()
        expect(page.locator("#dataset rect[height='0.0']")).to_have_count(59)
        page.get_by_role("link", name="24 h").click()
        expect(page.get_by_role("heading", name="Last 24 h")).to_be_visible()

        page.locator("#dataset a.st-tile").click()
        page.get_by_role("link", name="things/0@1").click()
        expect(page.locator("pre", has_text='"id": "seven"')).to_be_visible()
