"""Burn-rate alerts: four pairs of windows for each objective, one table for all.

The long window says that it matters, the short one that it still goes on, so an alert ends soon after its cause.
Source: https://sre.google/workbook/alerting-on-slos/ (multiwindow, multi-burn-rate)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.alerts.alert import Alert, Severity
from apps.monitoring.alerts.slos import BUDGET_LEFT, EVENTS, PERIOD, SLOS, Slo, bad_count, burn, event_count
from apps.telemetry.promql import Match, Query, compose, series


@dataclass(frozen=True, slots=True)
class Pair:
    """A burn that both windows must exceed: at `factor` the budget of thirty days ends in 30 / factor days."""

    factor: float
    long: str
    short: str
    hold: str
    severity: Severity

    @property
    def label(self) -> str:
        """Which pair fired, as the alert's label says it."""
        return f"{self.long}/{self.short}"


PAIRS: Final = (
    Pair(14.4, "1h", "5m", "2m", "page"),
    Pair(6, "6h", "30m", "5m", "page"),
    Pair(3, "1d", "2h", "15m", "ticket"),
    Pair(1, "3d", "6h", "30m", "ticket"),
)
LEAST_BAD: Final = 5
"""Fewer bad events never alert: where little happens, one is a large share."""


def burn_alerts() -> Iterator[Alert]:
    """The alerts of the objectives: burning, spent, unmeasured."""
    for slo in SLOS:
        yield from (_burning(slo, pair) for pair in PAIRS)
    yield Alert(
        "SloBudgetSpent",
        compose("{} <= 0 and {} >= " + str(LEAST_BAD), series(BUDGET_LEFT), series(bad_count(PERIOD))),
        hold="1h",
        severity="ticket",
        summary="The error budget of {{ $labels.slo }} {{ $labels.dataset }} is spent",
        description="Left of the budget of 30 days: {{ $value | humanizePercentage }}. The budget policy holds: "
        "what mends it goes before what is new.",
        page="slo",
    )
    yield from (_unmeasured(slo) for slo in SLOS)


def _burning(slo: Slo, pair: Pair) -> Alert:
    of = " of {{ $labels.dataset }}" if "dataset" in slo.by else ""
    return Alert(
        f"{slo.alert}Burn",
        _burns(slo, pair),
        hold=pair.hold,
        severity=pair.severity,
        summary=f"{slo.title}{of} burns its budget {_times(pair.factor)}: {slo.hurt[0].lower()}{slo.hurt[1:-1]}",
        description=f"Over {pair.long} it burned {{{{ $value | humanize }}}} times as fast as "
        f"{slo.objective * 100:g} % allows, and over {pair.short} it still does. "
        f"At that rate the budget of 30 days lasts {30 / pair.factor:.3g} days.",
        page=slo.dashboard,
        carries=slo.by,
        labels=(("slo", slo.name), ("window", pair.label)),
    )


def _burns(slo: Slo, pair: Pair) -> Query:
    named = Match("slo", slo.name)
    return compose(
        f"{{}} > {pair.factor:g} and {{}} > {pair.factor:g} and {{}} >= {slo.minimum_events} and {{}} >= {LEAST_BAD}",
        series(burn(pair.long), named),
        series(burn(pair.short), named),
        series(event_count(pair.long), named),
        series(bad_count(pair.long), named),
    )


def _times(factor: float) -> str:
    return f"{factor:g} times too fast" if factor > 1 else "faster than it may"


def _unmeasured(slo: Slo) -> Alert:
    return Alert(
        "SloUnmeasured",
        compose("absent({})", series(EVENTS, Match("slo", slo.name))),
        hold="30m",
        severity="ticket",
        summary=f"{slo.title}: nothing is measured, so nobody knows how it is",
        description="No event was counted for half an hour: what counts them does not run, or is not scraped. "
        "While that lasts, no burn alert of this objective can fire.",
        page="slo",
        labels=(("slo", slo.name),),
    )
