"""Conditions that alerts share: a timestamp is too old or missing, or too few days ahead."""

from apps.telemetry.metric import Metric
from apps.telemetry.promql import PromqlQuery, compose, level

DAY_S = 86_400


def stale(moment: Metric, after_s: float) -> PromqlQuery:
    """Seconds since the timestamp if above `after_s`; 1 if the metric is missing, because missing is never healthy."""
    newest = level(moment)
    return compose(f"time() - {{}} > {after_s:g} or absent({{}})", newest, newest)


def stale_if_present(moment: Metric, after_s: float) -> PromqlQuery:
    """Seconds since the timestamp if above `after_s`; nothing if the metric is missing: the feature may be off."""
    return compose(f"time() - {{}} > {after_s:g}", level(moment))


def days_left(moment: PromqlQuery, days: float) -> PromqlQuery:
    """Seconds until the timestamp if fewer than `days` days are left."""
    return compose(f"{{}} - time() < {days * DAY_S:g}", moment)
