"""Dashboards as bodies of CloudWatch dashboards: the same definitions, the second renderer.

Only the panels that CloudWatch answers are drawn. Each metric is searched for by its dimensions, so a body names no
resource and fits every account. The region is a placeholder that is filled before a body is put.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterator
from typing import Any, Final

from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.monitoring.dashboards.model import GRID, CloudWatchQuery, Dashboard, Panel, PanelRow, Status, Thresholds
from apps.monitoring.renderers.provisioning import REGION, as_json

PERIOD_S: Final = 60
COLOURS: Final[dict[Status, str]] = {
    "neutral": "#7f7f7f",
    "ok": "#2ca02c",
    "warning": "#ff7f0e",
    "critical": "#d62728",
    "unknown": "#c7c7c7",
}
"""CloudWatch's own palette has a name for none of them."""
WORDS: Final[dict[Status, str]] = {"warning": "warning", "critical": "critical"}


def cloudwatch_json(page: Dashboard) -> str:
    """The body for PutDashboard, with the region still a placeholder."""
    return as_json({"start": "-PT6H", "periodOverride": "auto", "widgets": list(_widgets(page))})


def _widgets(page: Dashboard) -> Iterator[dict[str, Any]]:
    yield _text(f"# {page.title}\n{page.question}", y=0, height=2)
    y = 2
    for row in page.rows:
        panels = [panel for panel in row.panels if panel.is_aws]
        if panels:
            yield _text(f"## {row.title}", y=y, height=1)
            yield from _line_by_line(panels, row, y + 1)
            y += 1 + row.height * _lines(panels)


def _text(markdown: str, *, y: int, height: int) -> dict[str, Any]:
    return {
        "type": "text",
        "x": 0,
        "y": y,
        "width": GRID,
        "height": height,
        "properties": {"markdown": markdown, "background": "transparent"},
    }


def _line_by_line(panels: list[Panel], row: PanelRow, y: int) -> Iterator[dict[str, Any]]:
    x = 0
    for panel in panels:
        if x + panel.width > GRID:
            x, y = 0, y + row.height
        yield {
            "type": "metric",
            "x": x,
            "y": y,
            "width": panel.width,
            "height": row.height,
            "properties": _properties(panel),
        }
        x += panel.width


def _lines(panels: list[Panel]) -> int:
    lines, x = 1, 0
    for panel in panels:
        lines, x = (lines + 1, panel.width) if x + panel.width > GRID else (lines, x + panel.width)
    return lines


def _properties(panel: Panel) -> dict[str, Any]:
    targets = [target for target in panel.queries if isinstance(target, CloudWatchQuery)]
    axis = {"label": panel.unit.value, "showUnits": False}
    return {
        "title": panel.title,
        "region": REGION,
        "view": "singleValue" if panel.visualization == "stat" else "timeSeries",
        "period": PERIOD_S,
        "stat": targets[0].statistic,
        "metrics": [[_searched(target, number)] for number, target in enumerate(targets, start=1)],
        **({} if panel.visualization == "stat" else {"yAxis": {"left": axis}, "legend": {"position": "bottom"}}),
        **_annotations(panel.thresholds),
    }


def _searched(target: CloudWatchQuery, number: int) -> dict[str, str]:
    metric = target.metric
    schema = ",".join([metric.namespace, *(f'"{name}"' if " " in name else name for name in metric.dimensions)])
    found = f"SEARCH('{{{schema}}} MetricName=\"{metric.name}\"', '{target.statistic}', {PERIOD_S})"
    return {
        "id": f"e{number}",
        "expression": found,
        "label": f"{target.legend} {_dimensions(metric)}",
        "region": REGION,
    }


def _dimensions(metric: AwsMetric) -> str:
    """The values that tell the series of a search apart."""
    return " ".join(f"${{PROP('Dim.{name}')}}" for name in metric.dimensions)


def _annotations(thresholds: Thresholds) -> dict[str, Any]:
    """Where a state begins, as a line with its colour; a thresholds that falls shades what is below."""
    falling = thresholds.base == "critical"
    steps = [(value, "critical" if falling and state == "warning" else state) for value, state in thresholds.steps]
    lines = [
        {"value": value, "color": COLOURS[state], "label": WORDS[state], "fill": "below" if falling else "above"}
        for value, state in steps
        if state in WORDS
    ]
    return {"annotations": {"horizontal": lines}} if lines else {}
