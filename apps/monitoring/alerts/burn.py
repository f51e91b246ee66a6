"""Burn rate alerts: four window pairs per objective, from one table.

The long window shows that the burn matters, the short one that it continues: an alert resolves soon after its cause.
Source: https://sre.google/workbook/alerting-on-slos/ (multiwindow, multi-burn-rate)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.monitoring.alerts.alert import Alert, Severity
from apps.monitoring.alerts.slos import BUDGET_REMAINING, EVENTS, PERIOD, SLOS, Slo, bad_count, burn, event_count
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, series


@dataclass(frozen=True, slots=True)
class WindowPair:
    """A burn rate that both windows must exceed. At `factor` a 30-day budget lasts 30 / factor days."""

    factor: float
    long: str
    short: str
    for_: str
    severity: Severity

    @property
    def label(self) -> str:
        """The value of the alert's label `window`."""
        return f"{self.long}/{self.short}"


WINDOW_PAIRS: Final = (
    WindowPair(14.4, "1h", "5m", "2m", "page"),
    WindowPair(6, "6h", "30m", "5m", "page"),
    WindowPair(3, "1d", "2h", "15m", "ticket"),
    WindowPair(1, "3d", "6h", "30m", "ticket"),
)
MIN_BAD: Final = 5
"""Fewer bad events never alert: with little traffic, one is a large share."""


def burn_alerts() -> Iterator[Alert]:
    """The alerts of every objective: budget burning, budget exhausted, data missing."""
    for slo in SLOS:
        yield from (_burning(slo, pair) for pair in WINDOW_PAIRS)
    yield Alert(
        "ErrorBudgetExhausted",
        compose("{} <= 0 and {} >= " + str(MIN_BAD), series(BUDGET_REMAINING), series(bad_count(PERIOD))),
        for_="1h",
        severity="ticket",
        summary="The error budget of {{ $labels.slo }} {{ $labels.dataset }} is exhausted",
        description="Left of the 30-day budget: {{ $value | humanizePercentage }}. The error budget policy applies: "
        "fixes come before new work.",
        dashboard="slo",
    )
    yield from (_unmeasured(slo) for slo in SLOS)


def _burning(slo: Slo, pair: WindowPair) -> Alert:
    of = " of {{ $labels.dataset }}" if "dataset" in slo.by else ""
    return Alert(
        f"{slo.alert}ErrorBudgetBurn",
        _burns(slo, pair),
        for_=pair.for_,
        severity=pair.severity,
        summary=f"{slo.title}{of} burns its error budget {_times(pair.factor)}: "
        f"{slo.impact[0].lower()}{slo.impact[1:-1]}",
        description=f"Over {pair.long} it burned {{{{ $value | humanize }}}} times as fast as "
        f"{slo.objective * 100:g} % allows, and over {pair.short} it still burns too fast. "
        f"At {pair.factor:g} times, the 30-day budget lasts {30 / pair.factor:.3g} days.",
        dashboard=slo.dashboard,
        link_labels=slo.by,
        labels=(("slo", slo.name), ("window", pair.label)),
    )


def _burns(slo: Slo, pair: WindowPair) -> PromqlQuery:
    named = LabelMatcher("slo", slo.name)
    return compose(
        f"{{}} > {pair.factor:g} and {{}} > {pair.factor:g} and {{}} >= {slo.minimum_events} and {{}} >= {MIN_BAD}",
        series(burn(pair.long), named),
        series(burn(pair.short), named),
        series(event_count(pair.long), named),
        series(bad_count(pair.long), named),
    )


def _times(factor: float) -> str:
    return f"{factor:g} times too fast" if factor > 1 else "too fast"


def _unmeasured(slo: Slo) -> Alert:
    return Alert(
        "SloDataMissing",
        compose("absent({})", series(EVENTS, LabelMatcher("slo", slo.name))),
        for_="30m",
        severity="ticket",
        summary=f"{slo.title}: no data, so the objective cannot be evaluated",
        description="No event was counted for half an hour: the process that counts them is down or not scraped. "
        "Until it is back, no burn alert of this objective can fire.",
        dashboard="slo",
        labels=(("slo", slo.name),),
    )
