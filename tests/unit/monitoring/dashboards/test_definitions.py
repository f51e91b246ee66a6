"""Every dashboard asks one question, every panel has a description, and every link has a target."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from apps.monitoring.alerts.alert import Alert
from apps.monitoring.alerts.catalogue import ALERTS
from apps.monitoring.alerts.slos import SLOS, Slo
from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.definitions.overview import OVERVIEW
from apps.monitoring.dashboards.layout import grid_items
from apps.monitoring.dashboards.model import GRID, Dashboard, Panel, PanelQuery, PanelRow, Unit
from tests.unit.monitoring.dashboards.rendered_json import PANELS, labels_of

DASHBOARD_BY_NAME: Final = {dashboard.name: dashboard for dashboard in DASHBOARDS}
GUIDE: Final = Path(__file__).parents[4] / "docs/guides/dashboards.md"
SCREEN: Final = 24
"""Grid lines visible on a 1080-pixel screen below Grafana's bars."""
BUILT_IN: Final = {"__rate_interval", "__range", "__interval"}


def test_panel_has_a_title_a_description_and_legends(subtests: pytest.Subtests) -> None:
    for dashboard, panel in PANELS:
        with subtests.test(f"{dashboard.name}: {panel.title}"):
            assert panel.title.strip()
            assert panel.description.endswith("."), f"{dashboard.name}: not a sentence: {panel.description}"
            assert len(panel.description) > len(panel.title) + 10
            assert panel.queries
            assert all(target.legend.strip() for target in panel.queries)


def test_legend_uses_only_labels_of_its_series(subtests: pytest.Subtests) -> None:
    for dashboard, panel in PANELS:
        with subtests.test(f"{dashboard.name}: {panel.title}"):
            for target in panel.queries:
                if isinstance(target, PanelQuery):
                    named = set(re.findall(r"\{\{(\w+)\}\}", target.legend))
                    assert named <= labels_of(target) | {"le"}, f"{dashboard.name}: {panel.title}"


def test_stats_and_tables_link_to_another_dashboard(subtests: pytest.Subtests) -> None:
    for dashboard, panel in PANELS:
        with subtests.test(f"{dashboard.name}: {panel.title}"):
            assert panel.links or panel.visualization not in {"stat", "table"}
            for link in panel.links:
                assert link.dashboard in DASHBOARD_BY_NAME, f"{panel.title} links to no dashboard"
                assert link.dashboard != dashboard.name, f"{panel.title} links to its own dashboard"


def test_label_that_a_link_passes_is_a_variable_of_its_dashboard(subtests: pytest.Subtests) -> None:
    for dashboard, panel in PANELS:
        with subtests.test(f"{dashboard.name}: {panel.title}"):
            for link in panel.links:
                if link.label:
                    assert link.label in {
                        getattr(each, "name", "") for each in DASHBOARD_BY_NAME[link.dashboard].variables
                    }
                    targets = [each for each in panel.queries if isinstance(each, PanelQuery)]
                    assert all(link.label in labels_of(each) for each in targets), f"{dashboard.name}: {panel.title}"


def test_states_have_a_mapping_or_thresholds(subtests: pytest.Subtests) -> None:
    for dashboard, panel in PANELS:
        with subtests.test(f"{dashboard.name}: {panel.title}"):
            if panel.unit is Unit.STATE:
                assert panel.value_mappings or panel.thresholds.steps, f"{dashboard.name}: {panel.title}"
            values = [value for value, _ in panel.thresholds.steps]
            assert values == sorted(values)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_dashboard_asks_a_question_and_links_to_others(dashboard: Dashboard) -> None:
    assert dashboard.question.endswith("?")
    assert dashboard.links
    assert all(link.dashboard in DASHBOARD_BY_NAME for link in dashboard.links)


def test_guide_lists_each_dashboard_with_its_question() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (.+\?) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted((dashboard.uid, dashboard.question) for dashboard in DASHBOARDS)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_panels_fill_the_grid_without_overlap(dashboard: Dashboard) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for place in grid_items(dashboard):
        cells.update(
            (x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)
        )
    assert set(cells.values()) == {1}
    height = max(y for _, y in cells) + 1
    assert len(cells) == GRID * height


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)
def test_queries_use_only_variables_of_the_dashboard(dashboard: Dashboard) -> None:
    known = {getattr(each, "name", None) or getattr(each, "resource", "") for each in dashboard.variables} | BUILT_IN
    texts = [
        target.query.text for panel in dashboard.panels for target in panel.queries if isinstance(target, PanelQuery)
    ]
    used = {name for text in texts for name in re.findall(r"\$(\w+)", text)}
    assert used <= known


def test_overview_fits_one_screen_and_starts_with_stats() -> None:
    places = list(grid_items(OVERVIEW))
    assert max(place.y + place.height for place in places) <= SCREEN
    first = OVERVIEW.rows[0].panels
    assert all(panel.visualization == "stat" and panel.thresholds.steps for panel in first)


def test_titles_and_ids_are_unique_per_dashboard_and_uids_overall() -> None:
    assert len({dashboard.uid for dashboard in DASHBOARDS}) == len(DASHBOARDS)
    for dashboard in DASHBOARDS:
        titles = [panel.title for panel in dashboard.panels]
        assert len(set(titles)) == len(titles)
        ids = [place.item.id for place in grid_items(dashboard)]
        assert len(set(ids)) == len(ids)


def test_panel_id_depends_on_the_title_and_not_on_the_position() -> None:
    first, second, *_ = DASHBOARDS[0].panels
    moved = Dashboard("x", "X", "Why?", (PanelRow("r", (second, first)),))
    assert {panel.title: panel.id for panel in moved.panels} == {first.title: first.id, second.title: second.id}
    assert first.id != second.id


@pytest.mark.parametrize(("widths", "reason"), [((12, 13), "exceeds the width"), ((12,), "narrower than the grid")])
def test_line_that_does_not_fill_the_grid_raises(widths: tuple[int, ...], reason: str) -> None:
    panels = tuple(
        Panel(f"p{number}", "It is.", "timeseries", Unit.COUNT, DASHBOARDS[0].panels[0].queries, width)
        for number, width in enumerate(widths)
    )
    with pytest.raises(ValueError, match=reason):
        list(grid_items(Dashboard("x", "X", "Why?", (PanelRow("r", panels),))))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_alert_links_to_a_dashboard_with_variables_for_its_labels(alert: Alert) -> None:
    variables = {getattr(each, "name", "") for each in DASHBOARD_BY_NAME[alert.dashboard].variables}
    assert set(alert.link_labels) <= variables


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.name)
def test_objective_names_an_existing_dashboard(slo: Slo) -> None:
    assert slo.dashboard in DASHBOARD_BY_NAME
