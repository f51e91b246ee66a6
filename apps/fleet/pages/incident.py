"""The page of an incident: a table of its figures, and a chart of its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite, nan
from typing import Any, Final

from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.incidents.lifecycle import EVENTS
from apps.fleet.pages import charts
from apps.fleet.pages.fleet import NOTHING, format_short

SCORE_CHART: Final = (720.0, 72.0)


@dataclass(frozen=True, slots=True)
class FlagFigures:
    """The figures of one flag as text."""

    signal: str
    kind: str
    value: str
    baseline: str
    peer_median: str
    score: str
    peers: str
    window: float
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ShiftFigures:
    """The figures of one event as text."""

    signal: str
    factor: str
    services: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """The score of an incident over time: line, start, end and maximum."""

    line: str
    start: datetime
    end: datetime
    top: str
    width: float = SCORE_CHART[0]
    height: float = SCORE_CHART[1]


def figures_table(evidence: Mapping[str, Any]) -> list[FlagFigures]:
    """The flags of the evidence, one per row."""
    return [_figures(flag) for flag in evidence.get("flags", ())]


def shifts_table(evidence: Mapping[str, Any]) -> list[ShiftFigures]:
    """The events of the evidence, one per row."""
    return [
        ShiftFigures(
            signal=SIGNAL_BY_NAME[event["signal"]].title if event["signal"] in SIGNAL_BY_NAME else event["signal"],
            factor=NOTHING if event["shift"] is None else f"×{event['shift']:.2f}",
            services=f"{event['services']:,}",
            since=None if event["since_s"] is None else datetime.fromtimestamp(event["since_s"], UTC),
        )
        for event in evidence.get("events", ())
    ]


def score_chart(points: Sequence[Sequence[float]]) -> ScoreChart | None:
    """The chart of (epoch s, score) points; None for fewer than two."""
    if len(points) < 2:
        return None
    start, end = points[0][0], points[-1][0]
    top = max(abs(score) for _, score in points)
    scale = charts.ChartScale(0.0, top or 1.0, SCORE_CHART[1])
    span = (end - start) or 1.0
    places = (f"{SCORE_CHART[0] * (at - start) / span:.1f},{scale.y(abs(score)):.1f}" for at, score in points)
    return ScoreChart(
        "M" + "L".join(places), datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), f"{top:.1f}"
    )


def format_score(kind: str, score: float | None) -> str:
    """A score as text: a factor for events, a dash for none."""
    if score is None or not isfinite(score):
        return NOTHING
    return f"×{score:.2f}" if kind in EVENTS else f"{score:.1f}"


def _figures(flag: Mapping[str, Any]) -> FlagFigures:
    signal = SIGNAL_BY_NAME.get(flag["signal"])
    unit = signal.unit if signal else ""

    def number(name: str) -> float:
        value = flag.get(name)
        return nan if value is None else float(value)

    since = number("since_s")
    return FlagFigures(
        signal=signal.title if signal else flag["signal"],
        kind=flag.get("kind", ""),
        value=format_short(number("value"), unit),
        baseline=format_short(number("baseline"), unit),
        peer_median=format_short(number("peer_median"), unit),
        score=f"{number('score'):.1f}" if isfinite(number("score")) else NOTHING,
        peers=f"{flag.get('peers') or 0:,}",
        window=number("window_s"),
        since=datetime.fromtimestamp(since, UTC) if isfinite(since) else None,
    )
