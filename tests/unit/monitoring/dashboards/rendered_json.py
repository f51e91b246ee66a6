"""What all pages have, gathered for tests."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.model import CloudWatchQuery, Dashboard, Panel, PanelQuery
from apps.monitoring.renderers.grafana_json import grafana_json

PANELS: Final = [(page, panel) for page in DASHBOARDS for panel in page.panels]
assert PANELS, "no page has a panel"
GROUPING: Final = re.compile(r"(?:by|group_left) \(([^)]*)\)")
LABELLED: Final = re.compile(r', "(\w+)", "[^"]*", "", ""\)')


def queries() -> Iterator[tuple[Dashboard, Panel, PanelQuery]]:
    """Every PromQL query with its page and panel."""
    for page, panel in PANELS:
        yield from ((page, panel, each) for each in panel.queries if isinstance(each, PanelQuery))


def aws_targets() -> Iterator[CloudWatchQuery]:
    """Every target that CloudWatch answers."""
    yield from (each for _, panel in PANELS for each in panel.queries if isinstance(each, CloudWatchQuery))


def labels_of(target: PanelQuery) -> set[str]:
    """The labels that the series of a query can have."""
    text = target.query.text
    return {label.strip() for group in GROUPING.findall(text) for label in group.split(",")} | set(
        LABELLED.findall(text)
    )


def drawn(page: Dashboard) -> dict[str, Any]:
    """The page's JSON, read again."""
    body: dict[str, Any] = json.loads(grafana_json(page))
    return body


def drawn_panels(page: Dashboard) -> list[dict[str, Any]]:
    """The panels of the page's JSON, headings left out."""
    found = [panel for panel in drawn(page)["panels"] if panel["type"] != "row"]
    assert len(found) == len(page.panels) > 0
    return found
