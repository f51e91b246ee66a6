"""CloudWatch dashboard bodies are valid for PutDashboard in any account and region."""

import json
import re
from typing import Any, Final

import pytest

from apps.monitoring.dashboards.definitions import CLOUDWATCH_DASHBOARDS
from apps.monitoring.dashboards.model import GRID, CloudWatchQuery, Dashboard
from apps.monitoring.renderers.cloudwatch_json import cloudwatch_json
from apps.monitoring.renderers.provisioning import REGION

SEARCH: Final = re.compile(r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>\w+)\"', '(?P<statistic>\w+)', 60\)")
LONGEST_BODY: Final = 1_000_000
each_dashboard = pytest.mark.parametrize("dashboard", CLOUDWATCH_DASHBOARDS, ids=lambda dashboard: dashboard.name)


def widgets(dashboard: Dashboard, kind: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloudwatch_json(dashboard))["widgets"]
    return [each for each in found if kind in ("", each["type"])]


@each_dashboard
def test_widgets_fill_the_grid_without_overlap(dashboard: Dashboard) -> None:
    cells: set[tuple[int, int]] = set()
    for each in widgets(dashboard):
        assert each["x"] + each["width"] <= GRID
        own = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not own & cells
        cells |= own
    rows = {y for _, y in cells}
    assert rows == set(range(max(rows) + 1)), "a gap between rows"


@each_dashboard
def test_body_is_within_cloudwatchs_limits(dashboard: Dashboard) -> None:
    assert len(cloudwatch_json(dashboard).encode()) < LONGEST_BODY
    assert len(widgets(dashboard)) <= 500
    for each in widgets(dashboard, "metric"):
        assert 1 <= len(each["properties"]["metrics"]) <= 500
        assert each["properties"]["view"] in {"timeSeries", "singleValue"}
        assert each["properties"]["region"] == REGION


@each_dashboard
def test_every_cloudwatch_query_searches_by_dimensions(dashboard: Dashboard) -> None:
    wanted = [target for panel in dashboard.panels for target in panel.queries if isinstance(target, CloudWatchQuery)]
    entries = [entry for each in widgets(dashboard, "metric") for (entry,) in each["properties"]["metrics"]]
    found = [SEARCH.fullmatch(entry["expression"]) for entry in entries]
    assert all(found)
    searched = [(each["schema"].replace('"', ""), each["name"], each["statistic"]) for each in found if each]
    assert searched == [
        (",".join((each.metric.namespace, *each.metric.dimensions)), each.metric.name, each.statistic)
        for each in wanted
    ]


@each_dashboard
def test_dimensions_with_a_space_are_quoted(dashboard: Dashboard) -> None:
    text = " ".join(
        entry["expression"] for each in widgets(dashboard, "metric") for (entry,) in each["properties"]["metrics"]
    )
    schemas = re.findall(r"\{([^}]+)\}", text)
    names = [name for schema in schemas for name in schema.split(",")]
    assert all((" " in name) == name.startswith('"') for name in names)


@each_dashboard
def test_ids_are_unique_within_a_widget_and_start_with_a_lowercase_letter(dashboard: Dashboard) -> None:
    for each in widgets(dashboard, "metric"):
        ids = [entry["id"] for (entry,) in each["properties"]["metrics"]]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in ids)


@each_dashboard
def test_annotations_mark_thresholds_and_falling_ones_shade_the_area_below(dashboard: Dashboard) -> None:
    scales = {panel.title: panel.thresholds for panel in dashboard.panels}
    for each in widgets(dashboard, "metric"):
        thresholds = scales[each["properties"]["title"]]
        lines = each["properties"].get("annotations", {}).get("horizontal", [])
        assert {line["value"] for line in lines} <= {value for value, _ in thresholds.steps}
        assert bool(lines) == bool(thresholds.steps)
        assert {line["fill"] for line in lines} <= {"below" if thresholds.base == "critical" else "above"}
        assert [line["label"] for line in lines].count("critical") == bool(lines)
