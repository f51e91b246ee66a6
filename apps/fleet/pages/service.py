"""The page of one service: six signals with baseline and peers, each on its own scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from apps.fleet.engine.signals import ServiceSignal
from apps.fleet.pages import charts
from apps.fleet.pages.fleet import NOTHING, Tone, format_short


@dataclass(frozen=True, slots=True)
class SignalGauge:
    """One signal: peer band, baseline and value as positions on a line, in per cent of its width."""

    title: str
    value: str
    baseline: str
    peers: str
    score: str
    tone: Tone
    band_left: float
    band_width: float
    baseline_at: float
    value_at: float
    known: bool
    label: str


def signal_gauge(  # noqa: PLR0913 - one figure each, all by keyword
    signal: ServiceSignal,
    *,
    value: float,
    baseline: float,
    low: float,
    median: float,
    high: float,
    score: float,
    threshold: float,
) -> SignalGauge:
    """The gauge of a signal. Its line starts at zero and leaves room to the right of the largest figure."""
    largest = max([figure for figure in (value, baseline, high) if isfinite(figure)], default=0.0)
    scale = charts.ChartScale(0.0, 1.15 * largest or 1.0, 1.0)
    left = charts.share(low, scale)
    is_outlier = isfinite(score) and abs(score) >= threshold
    return SignalGauge(
        title=signal.title,
        value=format_short(value, signal.unit),
        baseline=format_short(baseline, signal.unit),
        peers=f"{format_short(low, signal.unit)} – {format_short(high, signal.unit)}" if isfinite(low) else NOTHING,
        score=f"{score:.1f}" if isfinite(score) else NOTHING,
        tone="warn" if not isfinite(value) else "bad" if is_outlier else "none",
        band_left=left,
        band_width=round(charts.share(high, scale) - left, 2),
        baseline_at=charts.share(baseline, scale),
        value_at=charts.share(value, scale),
        known=isfinite(value),
        label=f"{signal.title}: {format_short(value, signal.unit)}, baseline {format_short(baseline, signal.unit)}, "
        f"peers {format_short(median, signal.unit)}",
    )


def history(scores: Sequence[float], threshold: float) -> tuple[str, float]:
    """The line of a service's worst score in a box of 720 × 72, and the height of the threshold in it."""
    scale = charts.scale_of([abs(score) for score in scores], height=72.0, least=1.5 * threshold)
    return charts.line([abs(score) for score in scores], scale, width=720.0), round(scale.y(threshold), 1)
