"""Conditions that several alerts share: too old or absent, and how many days a moment is ahead."""

from apps.telemetry.metric import Metric
from apps.telemetry.promql import PromqlQuery, compose, level

DAY_S = 86_400


def stale(moment: Metric, after_s: float) -> PromqlQuery:
    """Seconds since the moment, where they are too many; 1 where nobody tells it: absent is never well."""
    newest = level(moment)
    return compose(f"time() - {{}} > {after_s:g} or absent({{}})", newest, newest)


def stale_if_present(moment: Metric, after_s: float) -> PromqlQuery:
    """Seconds since the moment, where they are too many; silent where nobody tells it: it may not be in use."""
    return compose(f"time() - {{}} > {after_s:g}", level(moment))


def days_left(moment: PromqlQuery, days: float) -> PromqlQuery:
    """Seconds until the moment, where they are fewer than that many days."""
    return compose(f"{{}} - time() < {days * DAY_S:g}", moment)
