"""Template filters and tags for figures and small charts."""

from collections.abc import Sequence
from typing import Any

from django import template

from apps.console.core.chart import sparkline
from apps.console.core.figures import short_count, short_span

register = template.Library()
register.filter("short_count", short_count)
register.filter("short_span", short_span)


@register.filter
def exact_count(count: int) -> str:
    """An unrounded count with thousands separators, for figures that people compare."""
    return f"{count:,}"


@register.inclusion_tag("console/sparkline.html")
def spark(values: Sequence[float], label: str, width: int = 160, height: int = 36) -> dict[str, Any]:
    """A sparkline of the values, oldest at the left; the label is for screen readers."""
    return {"spark": sparkline(values, width=width, height=height), "label": label}


@register.simple_tag
def capped_count(count: int, most: int) -> str:
    """The count, or `most` with a plus if counting stopped there."""
    return f"{short_count(most)}+" if count > most else short_count(count)
