"""Takes the screenshots in this folder: run `make screenshots` while `make run` is running.

Screenshots of fleets need no running instance: `docs/images/make.py --only fleet` starts one for them, and
`--only incident` one for the start page only.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from palette import save
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright
from scratch import PASSWORD, USER, Fleet, scratch_station, show, show_datasets

HERE: Final = Path(__file__).resolve().parent
PASSWORD_FILE: Final = HERE.parent.parent / ".anden" / "steward-password"
CHROMIUM_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Station:
    """The instance's URL, and a login."""

    url: str
    user: str
    password: str


def start(page: Page, station: Station) -> None:
    """Go to the start page."""
    page.goto(f"{station.url}/admin/")
    expect(page.locator("#station .st-table")).to_be_visible()


def dataset(page: Page, station: Station) -> None:
    """Go to the flights dataset."""
    start(page, station)
    page.get_by_role("link", name="flights", exact=True).click()
    expect(page.locator("#dataset .st-chart svg")).to_be_visible()


def docs(page: Page, station: Station) -> None:
    """Go to the API documentation."""
    page.goto(f"{station.url}/api/docs")
    expect(page.locator(".opblock").first).to_be_visible()


PICTURES: Final[tuple[tuple[str, Theme, Callable[[Page, Station], None]], ...]] = (
    ("start", "light", start),
    ("dataset", "light", dataset),
    ("docs", "light", docs),
    ("start-dark", "dark", start),
    ("dataset-dark", "dark", dataset),
)


FLEETS: Final = (
    Fleet(8, evaluations=60),
    Fleet(50, evaluations=60, sick=2),
    Fleet(1_000, evaluations=24, sick=9),
    Fleet(10_000, evaluations=8, sick=28),
)
"""The largest have fewer evaluations, to save time."""
INCIDENT: Final = Fleet(50, evaluations=30, sick=1, zone=True)
HEIGHT: Final = "Math.max(...[...document.querySelectorAll('*')].map(one => one.scrollHeight))"


def log_in(page: Page, station: Station) -> None:
    """Log in to the admin."""
    page.goto(f"{station.url}/admin/login/?next=/admin/")
    page.fill("#id_username", station.user)
    page.fill("#id_password", station.password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{station.url}/admin/")


def take_all(browser: Browser, station: Station, folder: Path) -> None:
    """Take every screenshot, 1440 × 900."""
    for theme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
        page = context.new_page()
        log_in(page, station)
        for name, wanted, go in PICTURES:
            if wanted == theme:
                go(page, station)
                take(page, folder / f"{name}.png")
        context.close()


def take(page: Page, path: Path) -> None:
    """Save a screenshot once the fonts are loaded."""
    page.wait_for_function("document.fonts.status === 'loaded'")
    save(page, page.screenshot(animations="disabled"), path)
    print(path.name)


def take_fleets(browser: Browser, folder: Path, *, fleets: Sequence[Fleet]) -> None:
    """Take full-height screenshots of fleets, and one of an incident, from a temporary instance."""
    with scratch_station() as url:
        station = Station(url, USER, PASSWORD)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        log_in(page, station)
        for fleet in fleets:
            show(fleet)
            page.goto(f"{url}/admin/monitoring/fleet/")
            expect(page.locator("#fleet .fl-heat")).to_be_visible()
            page.set_viewport_size({"width": 1440, "height": page.evaluate(HEIGHT)})
            take(page, folder / f"fleet-{fleet.services}.png")
            page.set_viewport_size({"width": 1440, "height": 900})
        take_incident(page, station, folder)
        context.close()


def take_incident(page: Page, station: Station, folder: Path) -> None:
    """Take the start page with incidents."""
    show(INCIDENT)
    show_datasets()
    start(page, station)
    expect(page.locator(".st-alarm")).to_be_visible()
    take(page, folder / "start-incident.png")


def arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="URL of the running instance")
    parser.add_argument("--user", default="steward", help="username")
    parser.add_argument("--password", help=f"default: the content of {PASSWORD_FILE.parent.name}/{PASSWORD_FILE.name}")
    parser.add_argument("--only", choices=("station", "fleet", "incident"), help="only some of the screenshots")
    parser.add_argument("--folder", type=Path, default=HERE, help="output folder")
    return parser.parse_args()


def main() -> None:
    """Take the screenshots, or exit with a one-line error."""
    given = arguments()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is missing: install the package chromium")
    try:
        password = given.password or PASSWORD_FILE.read_text().strip() if given.only in {None, "station"} else ""
    except OSError:
        sys.exit("no password: start `make run`, or pass --password")
    given.folder.mkdir(parents=True, exist_ok=True)
    station = Station(given.url.rstrip("/"), given.user, password)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        try:
            if given.only in {None, "station"}:
                take_all(browser, station, given.folder)
            if given.only != "station":
                take_fleets(browser, given.folder, fleets=() if given.only == "incident" else FLEETS)
        except (Error, AssertionError) as error:
            sys.exit(f"{station.url}: {str(error).splitlines()[0]}: is the instance running, and does it have data?")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
