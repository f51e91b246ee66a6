"""docs/guides/incidents.md matches the tables of statuses, reasons and kinds."""

import re
from pathlib import Path

from apps.console.core.figures import short_span
from apps.fleet.incidents.lifecycle import CLOSE_REASONS, TRANSITIONS, IncidentKind

GUIDE = (Path(__file__).resolve().parents[4] / "docs/guides/incidents.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    table = GUIDE.split(head)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_guide_lists_every_transition_and_what_it_needs() -> None:
    assert rows("| From | To | Needs |") == [[move.source, move.target, move.needs or "–"] for move in TRANSITIONS]


def test_the_guide_lists_every_reason_and_how_long_it_holds() -> None:
    found = [(name, title, span) for name, title, span in rows("| Reason | Meaning |")]
    assert [(name, title) for name, title, _ in found] == [(reason.name, reason.title) for reason in CLOSE_REASONS]
    for (_, _, span), reason in zip(found, CLOSE_REASONS, strict=True):
        hours = re.sub(r"^1 d$", "24 h", short_span(reason.settles_s))
        assert span.startswith(hours if reason.settles_s else "at once")


def test_the_guide_lists_every_kind() -> None:
    assert [row[0] for row in rows("| Kind | Subject |")] == list(IncidentKind)
