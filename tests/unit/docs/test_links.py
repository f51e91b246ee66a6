"""The documentation is consistent: every file is linked, and no link is broken."""

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
def test_no_link_is_broken(page: Path) -> None:
    missing = [str(target) for target in links(page) if not target.exists()]
    assert missing == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the file's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)", "", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_anchor_is_a_heading(page: Path) -> None:
    missing = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if anchor and "://" not in target and file.suffix == ".md" and anchor not in anchors(file):
            missing.append(target)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_command_exists(page: Path) -> None:
    # Only code counts: "manage.py" in a sentence names no command.
    named = set(COMMAND.findall(page.read_text(encoding="utf-8")))
    assert named <= set(get_commands())


def test_the_index_links_every_guide_and_every_file_next_to_it() -> None:
    reached = set(links(DOCS / "README.md"))
    pages = {*DOCS.glob("*.md"), *DOCS.glob("guides/*.md")} - {DOCS / "README.md"}
    assert {page.resolve() for page in pages} <= reached
