"""Panels, queries and rendered JSON of all dashboards, for tests."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.model import CloudWatchQuery, Dashboard, Panel, PanelQuery
from apps.monitoring.renderers.grafana_json import grafana_json

PANELS: Final = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
assert PANELS, "no dashboard has a panel"
GROUPING: Final = re.compile(r"(?:by|group_left) \(([^)]*)\)")
LABELLED: Final = re.compile(r', "(\w+)", "[^"]*", "", ""\)')


def queries() -> Iterator[tuple[Dashboard, Panel, PanelQuery]]:
    """Every PromQL query with its dashboard and panel."""
    for dashboard, panel in PANELS:
        yield from ((dashboard, panel, each) for each in panel.queries if isinstance(each, PanelQuery))


def aws_queries() -> Iterator[CloudWatchQuery]:
    """Every CloudWatch query."""
    yield from (each for _, panel in PANELS for each in panel.queries if isinstance(each, CloudWatchQuery))


def labels_of(target: PanelQuery) -> set[str]:
    """The labels that the series of a query can have."""
    text = target.query.text
    return {label.strip() for group in GROUPING.findall(text) for label in group.split(",")} | set(
        LABELLED.findall(text)
    )


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard's parsed JSON."""
    body: dict[str, Any] = json.loads(grafana_json(dashboard))
    return body


def rendered_panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    """The panels of the dashboard's JSON, without row headings."""
    found = [panel for panel in rendered(dashboard)["panels"] if panel["type"] != "row"]
    assert len(found) == len(dashboard.panels) > 0
    return found
