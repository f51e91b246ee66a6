"""Every page answers one question, every panel says what it shows, and every way leads somewhere."""

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

PAGE_BY_NAME: Final = {page.name: page for page in DASHBOARDS}
GUIDE: Final = Path(__file__).parents[4] / "docs/guides/dashboards.md"
SCREEN: Final = 24
"""Lines of the grid that a screen of 1080 lines shows below Grafana's own bars."""
BUILT_IN: Final = {"__rate_interval", "__range", "__interval"}


def test_a_panel_says_what_it_shows(subtests: pytest.Subtests) -> None:
    for page, panel in PANELS:
        with subtests.test(f"{page.name}: {panel.title}"):
            assert panel.title.strip()
            assert panel.description.endswith("."), f"{page.name}: no sentence: {panel.description}"
            assert len(panel.description) > len(panel.title) + 10
            assert panel.queries
            assert all(target.legend.strip() for target in panel.queries)


def test_a_legend_names_labels_that_its_series_have(subtests: pytest.Subtests) -> None:
    for page, panel in PANELS:
        with subtests.test(f"{page.name}: {panel.title}"):
            for target in panel.queries:
                if isinstance(target, PanelQuery):
                    named = set(re.findall(r"\{\{(\w+)\}\}", target.legend))
                    assert named <= labels_of(target) | {"le"}, f"{page.name}: {panel.title}"


def test_figures_and_tables_lead_onward(subtests: pytest.Subtests) -> None:
    for page, panel in PANELS:
        with subtests.test(f"{page.name}: {panel.title}"):
            assert panel.links or panel.visualization not in {"stat", "table"}
            for link in panel.links:
                assert link.dashboard in PAGE_BY_NAME, f"{panel.title} leads nowhere"
                assert link.dashboard != page.name, f"{panel.title} leads to itself"


def test_what_a_click_hands_on_is_a_variable_of_the_page_it_leads_to(subtests: pytest.Subtests) -> None:
    for page, panel in PANELS:
        with subtests.test(f"{page.name}: {panel.title}"):
            for link in panel.links:
                if link.label:
                    assert link.label in {getattr(each, "name", "") for each in PAGE_BY_NAME[link.dashboard].variables}
                    targets = [each for each in panel.queries if isinstance(each, PanelQuery)]
                    assert all(link.label in labels_of(each) for each in targets), f"{page.name}: {panel.title}"


def test_a_state_is_a_colour_and_never_a_bare_number(subtests: pytest.Subtests) -> None:
    for page, panel in PANELS:
        with subtests.test(f"{page.name}: {panel.title}"):
            if panel.unit is Unit.STATE:
                assert panel.value_mappings or panel.thresholds.steps, f"{page.name}: {panel.title}"
            values = [value for value, _ in panel.thresholds.steps]
            assert values == sorted(values)


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.name)
def test_a_page_asks_a_question_and_leads_onward(page: Dashboard) -> None:
    assert page.question.endswith("?")
    assert page.links
    assert all(link.dashboard in PAGE_BY_NAME for link in page.links)


def test_the_guide_tells_what_each_page_answers() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| (.+\?) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted((page.uid, page.question) for page in DASHBOARDS)


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.name)
def test_panels_fill_the_grid_and_none_lies_upon_another(page: Dashboard) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for place in grid_items(page):
        cells.update(
            (x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)
        )
    assert set(cells.values()) == {1}
    height = max(y for _, y in cells) + 1
    assert len(cells) == GRID * height


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.name)
def test_queries_use_only_variables_that_the_page_has(page: Dashboard) -> None:
    known = {getattr(each, "name", None) or getattr(each, "resource", "") for each in page.variables} | BUILT_IN
    texts = [target.query.text for panel in page.panels for target in panel.queries if isinstance(target, PanelQuery)]
    used = {name for text in texts for name in re.findall(r"\$(\w+)", text)}
    assert used <= known


def test_station_is_one_screen_and_begins_with_states() -> None:
    places = list(grid_items(OVERVIEW))
    assert max(place.y + place.height for place in places) <= SCREEN
    first = OVERVIEW.rows[0].panels
    assert all(panel.visualization == "stat" and panel.thresholds.steps for panel in first)


def test_titles_and_ids_differ_within_a_page_and_uids_between_pages() -> None:
    assert len({page.uid for page in DASHBOARDS}) == len(DASHBOARDS)
    for page in DASHBOARDS:
        titles = [panel.title for panel in page.panels]
        assert len(set(titles)) == len(titles)
        ids = [place.item.id for place in grid_items(page)]
        assert len(set(ids)) == len(ids)


def test_a_panel_keeps_its_id_when_it_moves_and_gets_another_with_another_title() -> None:
    first, second, *_ = DASHBOARDS[0].panels
    moved = Dashboard("x", "X", "Why?", (PanelRow("r", (second, first)),))
    assert {panel.title: panel.id for panel in moved.panels} == {first.title: first.id, second.title: second.id}
    assert first.id != second.id


@pytest.mark.parametrize(("widths", "reason"), [((12, 13), "does not fit"), ((12,), "before the grid does")])
def test_a_line_that_does_not_fill_the_grid_is_refused(widths: tuple[int, ...], reason: str) -> None:
    panels = tuple(
        Panel(f"p{number}", "It is.", "timeseries", Unit.COUNT, DASHBOARDS[0].panels[0].queries, width)
        for number, width in enumerate(widths)
    )
    with pytest.raises(ValueError, match=reason):
        list(grid_items(Dashboard("x", "X", "Why?", (PanelRow("r", panels),))))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_page_that_takes_what_it_carries(alert: Alert) -> None:
    variables = {getattr(each, "name", "") for each in PAGE_BY_NAME[alert.dashboard].variables}
    assert set(alert.link_labels) <= variables


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.name)
def test_an_objective_names_a_page(slo: Slo) -> None:
    assert slo.dashboard in PAGE_BY_NAME
