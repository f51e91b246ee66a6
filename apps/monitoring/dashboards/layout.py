"""Grid positions of panels: rows from top to bottom, each line of a row exactly as wide as the grid."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.monitoring.dashboards.model import GRID, Dashboard, Panel, PanelRow


@dataclass(frozen=True, slots=True)
class GridItem:
    """A panel or row heading with its position and size, in grid units."""

    item: Panel | PanelRow
    x: int
    y: int
    width: int
    height: int


def grid_items(dashboard: Dashboard) -> Iterator[GridItem]:
    """Every row heading and panel with its position, in reading order.

    Raises ValueError: a line of a row is not exactly as wide as the grid.
    """
    y = 0
    for row in dashboard.rows:
        yield GridItem(row, 0, y, GRID, 1)
        y += 1
        for line in _lines(row):
            x = 0
            for panel in line:
                yield GridItem(panel, x, y, panel.width, row.height)
                x += panel.width
            y += row.height


def _lines(row: PanelRow) -> Iterator[tuple[Panel, ...]]:
    line: list[Panel] = []
    for panel in row.panels:
        line.append(panel)
        width = sum(each.width for each in line)
        if width > GRID:
            raise ValueError(f"row {row.title!r}: {panel.title!r} exceeds the width of its line")
        if width == GRID:
            yield tuple(line)
            line = []
    if line:
        raise ValueError(f"row {row.title!r}: its last line, up to {line[-1].title!r}, is narrower than the grid")
