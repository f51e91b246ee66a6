"""What CloudWatch is given: bodies that PutDashboard takes, for any account and region."""

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
pages = pytest.mark.parametrize("page", CLOUDWATCH_DASHBOARDS, ids=lambda page: page.name)


def widgets(page: Dashboard, kind: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloudwatch_json(page))["widgets"]
    return [each for each in found if kind in ("", each["type"])]


@pages
def test_widgets_stand_on_the_grid_and_none_upon_another(page: Dashboard) -> None:
    cells: set[tuple[int, int]] = set()
    for each in widgets(page):
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


@pages
def test_a_body_is_within_the_limits_of_cloudwatch(page: Dashboard) -> None:
    assert len(cloudwatch_json(page).encode()) < LONGEST_BODY
    assert len(widgets(page)) <= 500
    for each in widgets(page, "metric"):
        assert 1 <= len(each["properties"]["metrics"]) <= 500
        assert each["properties"]["view"] in {"timeSeries", "singleValue"}
        assert each["properties"]["region"] == REGION


@pages
def test_every_aws_target_of_the_page_is_searched_for_by_its_dimensions(page: Dashboard) -> None:
    wanted = [target for panel in page.panels for target in panel.queries if isinstance(target, CloudWatchQuery)]
    entries = [entry for each in widgets(page, "metric") for (entry,) in each["properties"]["metrics"]]
    found = [SEARCH.fullmatch(entry["expression"]) for entry in entries]
    assert all(found)
    told = [(each["schema"].replace('"', ""), each["name"], each["statistic"]) for each in found if each]
    assert told == [
        (",".join((each.metric.namespace, *each.metric.dimensions)), each.metric.name, each.statistic)
        for each in wanted
    ]


@pages
def test_dimensions_with_a_space_are_quoted(page: Dashboard) -> None:
    text = " ".join(
        entry["expression"] for each in widgets(page, "metric") for (entry,) in each["properties"]["metrics"]
    )
    schemas = re.findall(r"\{([^}]+)\}", text)
    names = [name for schema in schemas for name in schema.split(",")]
    assert all((" " in name) == name.startswith('"') for name in names)


@pages
def test_ids_differ_within_a_widget_and_begin_with_a_small_letter(page: Dashboard) -> None:
    for each in widgets(page, "metric"):
        ids = [entry["id"] for (entry,) in each["properties"]["metrics"]]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in ids)


@pages
def test_a_line_marks_where_trouble_begins_and_a_scale_that_falls_shades_what_is_below(page: Dashboard) -> None:
    scales = {panel.title: panel.thresholds for panel in page.panels}
    for each in widgets(page, "metric"):
        thresholds = scales[each["properties"]["title"]]
        lines = each["properties"].get("annotations", {}).get("horizontal", [])
        assert {line["value"] for line in lines} <= {value for value, _ in thresholds.steps}
        assert bool(lines) == bool(thresholds.steps)
        assert {line["fill"] for line in lines} <= {"below" if thresholds.base == "critical" else "above"}
        assert [line["label"] for line in lines].count("critical") == bool(lines)
