"""Figures and small charts for templates."""

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
    """A count to its last digit, its thousands apart: what people compare must not be rounded."""
    return f"{count:,}"


@register.inclusion_tag("console/sparkline.html")
def spark(values: Sequence[float], label: str, width: int = 160, height: int = 36) -> dict[str, Any]:
    """A line of the values, oldest left; the label is what a screen reader says."""
    return {"spark": sparkline(values, width=width, height=height), "label": label}


@register.simple_tag
def capped_count(count: int, most: int) -> str:
    """The count, or the most with a plus where counting ended there."""
    return f"{short_count(most)}+" if count > most else short_count(count)
