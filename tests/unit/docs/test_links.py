"""The documentation holds together: no page is lost, no link leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:`|python |entrypoint )manage(?:\.py)? ([a-z_]+)")
PAGES = sorted([*DOCS.glob("**/*.md"), *ROOT.glob("*.md")])


def links(page: Path) -> Iterator[Path]:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path = target.partition("#")[0]
        if path and "://" not in path:
            yield (page.parent / path).resolve()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    missing = [str(target) for target in links(page) if not target.exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    # Only what stands in code counts: "so that manage.py speaks to it" is prose.
    named = set(COMMAND.findall(page.read_text(encoding="utf-8")))
    assert named <= set(get_commands())


def test_the_index_reaches_every_guide_and_every_page_beside_it() -> None:
    reached = set(links(DOCS / "README.md"))
    pages = {*DOCS.glob("*.md"), *DOCS.glob("guides/*.md")} - {DOCS / "README.md"}
    assert {page.resolve() for page in pages} <= reached
