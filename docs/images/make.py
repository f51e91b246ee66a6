"""Take the pictures of this folder from a running station: `make screenshots` while `make run` runs."""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

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
    """Where the station is, and who looks at it."""

    url: str
    user: str
    password: str


def start(page: Page, station: Station) -> None:
    """Go to the start page."""
    page.goto(f"{station.url}/admin/")
    expect(page.locator("#station .st-table")).to_be_visible()


def dataset(page: Page, station: Station) -> None:
    """Go to the page of the flights."""
    start(page, station)
    page.get_by_role("link", name="flights", exact=True).click()
    expect(page.locator("#dataset .st-chart svg")).to_be_visible()


def docs(page: Page, station: Station) -> None:
    """Go to the page of the API."""
    page.goto(f"{station.url}/api/docs")
    expect(page.locator(".opblock").first).to_be_visible()


PICTURES: Final[tuple[tuple[str, Theme, Callable[[Page, Station], None]], ...]] = (
    ("start", "light", start),
    ("dataset", "light", dataset),
    ("docs", "light", docs),
    ("start-dark", "dark", start),
    ("dataset-dark", "dark", dataset),
)


def log_in(page: Page, station: Station) -> None:
    """Log in to the admin."""
    page.goto(f"{station.url}/admin/login/?next=/admin/")
    page.fill("#id_username", station.user)
    page.fill("#id_password", station.password)
    page.click("button[type=submit]")
    expect(page.locator("#station")).to_be_visible()


def take_all(browser: Browser, station: Station, folder: Path) -> None:
    """Write every picture, 1440 × 900."""
    for theme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
        page = context.new_page()
        log_in(page, station)
        for name, wanted, go in PICTURES:
            if wanted == theme:
                go(page, station)
                page.wait_for_function("document.fonts.status === 'loaded'")
                page.screenshot(path=folder / f"{name}.png", animations="disabled")
                print(f"{name}.png")
        context.close()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the station answers")
    parser.add_argument("--user", default="steward", help="who logs in")
    parser.add_argument("--password", help=f"default: the content of {PASSWORD_FILE.parent.name}/{PASSWORD_FILE.name}")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the pictures go")
    return parser.parse_args()


def main() -> None:
    """Take the pictures, or say in one line why not."""
    given = arguments()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is missing: install the package chromium")
    try:
        password = given.password or PASSWORD_FILE.read_text().strip()
    except OSError:
        sys.exit("no password: start the station with `make run`, or say --password")
    station = Station(given.url.rstrip("/"), given.user, password)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        try:
            take_all(browser, station, given.folder)
        except (Error, AssertionError) as error:
            sys.exit(f"{station.url}: {str(error).splitlines()[0]}: is the station running there, and with data?")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
