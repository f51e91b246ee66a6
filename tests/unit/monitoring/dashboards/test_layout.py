"""For any rows and panels, each grid cell belongs to exactly one of them."""

from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.metrics import FLEET_SERVICES
from apps.monitoring.dashboards.layout import grid_items
from apps.monitoring.dashboards.model import GRID, Dashboard, Panel, PanelQuery, PanelRow, Unit
from apps.telemetry.promql import level

TARGET = PanelQuery(level(FLEET_SERVICES), "services")


@st.composite
def line_widths(draw: st.DrawFn) -> list[int]:
    """Widths that fill one line of the grid."""
    cuts = sorted(draw(st.sets(st.integers(1, GRID - 1), max_size=7)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, GRID], strict=True)]


@st.composite
def dashboards(draw: st.DrawFn) -> Dashboard:
    """A dashboard of some rows with full lines."""
    rows = []
    for number in range(draw(st.integers(1, 4))):
        widths = [width for line in draw(st.lists(line_widths(), min_size=1, max_size=3)) for width in line]
        panels = tuple(
            Panel(f"{number}.{place}", "It is.", "timeseries", Unit.COUNT, (TARGET,), width)
            for place, width in enumerate(widths)
        )
        rows.append(PanelRow(f"row {number}", panels, draw(st.integers(1, 12))))
    return Dashboard("x", "X", "Why?", tuple(rows))


@given(dashboard=dashboards())
def test_panels_and_headings_cover_the_grid_once(dashboard: Dashboard) -> None:
    places = list(grid_items(dashboard))
    cells = [
        (x, y)
        for place in places
        for y in range(place.y, place.y + place.height)
        for x in range(place.x, place.x + place.width)
    ]
    height = max(place.y + place.height for place in places)
    assert sorted(cells) == sorted((x, y) for x in range(GRID) for y in range(height))


@given(dashboard=dashboards())
def test_reading_order_is_that_of_the_code(dashboard: Dashboard) -> None:
    places = list(grid_items(dashboard))
    assert [place.item.title for place in places] == [
        title for row in dashboard.rows for title in (row.title, *(panel.title for panel in row.panels))
    ]
    assert [(place.y, place.x) for place in places] == sorted((place.y, place.x) for place in places)
