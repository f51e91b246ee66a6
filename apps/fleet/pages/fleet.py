"""The Fleet page for the template: texts, figures and geometry, derived from the fleet view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite, isnan, nan
from typing import Final, Literal

from apps.fleet.engine.evaluation import OutlierFlag, ServiceState
from apps.fleet.engine.policy import DEFAULT_POLICY
from apps.fleet.engine.sentences import format_quantity
from apps.fleet.engine.signals import SIGNAL_BY_NAME, SIGNALS
from apps.fleet.engine.view import FleetView, RankedService, SmallMultiple
from apps.fleet.pages import charts

Tone = Literal["good", "warn", "bad", "none"]
"""The meaning of a colour: healthy, uncertain, unhealthy, or neutral."""

SPARK: Final = (96.0, 24.0)
PLOT: Final = (300.0, 84.0)
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class CountTile:
    """A count in the header, its share of the fleet, and its meaning."""

    title: str
    count: int
    note: str
    tone: Tone
    meaning: str


@dataclass(frozen=True, slots=True)
class FleetBanner:
    """A message about more than one service."""

    tone: Tone
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ScoreSparkline:
    """A score over time: its line, the threshold, and the text for screen readers."""

    line: str
    threshold_y: float
    label: str
    width: float = SPARK[0]
    height: float = SPARK[1]


@dataclass(frozen=True, slots=True)
class OutlierRow:
    """A service of the ranked list; `zone` is the one it shifts with, "" if it is an outlier on its own."""

    service: str
    signal_name: str
    signal: str
    sentence: str
    value: str
    baseline: str
    score: str
    since: datetime
    lasts_s: float
    zone: str
    spark: ScoreSparkline


@dataclass(frozen=True, slots=True)
class PeerPlot:
    """A signal over the window with its peer band; `top` is in the signal's unit."""

    service: str
    signal: str
    line: str
    band: str
    median: str
    top: str
    start: datetime | None
    end: datetime | None
    label: str
    baseline: str
    value: str
    width: float = PLOT[0]
    height: float = PLOT[1]


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """A heatmap row: one service, or several (`many`) that share it; `paths` are (level, path)."""

    label: str
    many: bool
    paths: tuple[tuple[int, str], ...]
    worst: str
    label_text: str


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Services × time; `columns` units wide, `marks` evenly spaced along it."""

    rows: tuple[HeatmapRow, ...]
    columns: int
    marks: tuple[datetime, ...]
    shared: bool


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Everything the page shows."""

    tone: Tone
    headline: str
    tiles: tuple[CountTile, ...]
    shift: str
    shift_note: str
    banners: tuple[FleetBanner, ...]
    rows: tuple[OutlierRow, ...]
    left_out: int
    plots: tuple[PeerPlot, ...]
    heat: Heatmap
    at: datetime
    age_s: float
    duration_s: float
    services: int
    is_empty: bool
    threshold: float
    threshold_of_two: float
    names: tuple[str, ...]
    has_warning: bool
    is_unknown: bool


def fleet_page(view: FleetView) -> FleetPage:
    """The page for this view."""
    threshold = DEFAULT_POLICY.threshold(max(view.services, 1), len(SIGNALS))
    tone, headline = _headline(view)
    shift, shift_note = _shift(view.shifts)
    return FleetPage(
        tone=tone,
        headline=headline,
        tiles=_tiles(view),
        shift=shift,
        shift_note=shift_note,
        banners=_banners(view),
        rows=tuple(_row(worst, view, threshold) for worst in view.worst),
        left_out=max(0, view.counts.get(ServiceState.OUTLIER, 0) - len(view.worst)),
        plots=tuple(peer_plot(multiple) for multiple in view.multiples),
        heat=heatmap_of(view, threshold),
        at=view.at,
        age_s=view.age_s,
        duration_s=view.duration_s,
        services=view.services,
        is_empty=view.is_empty(),
        threshold=threshold,
        threshold_of_two=threshold - DEFAULT_POLICY.together,
        names=tuple(worst.service for worst in view.worst),
        has_warning=bool(view.stale_reason),
        is_unknown=_is_unknown(view),
    )


def _headline(view: FleetView) -> tuple[Tone, str]:
    """The state of the fleet in one sentence, the worst first."""
    faulty, silent = view.counts.get(ServiceState.OUTLIER, 0), view.counts.get(ServiceState.NO_DATA, 0)
    if _is_unknown(view):
        return "bad", "The current state of the fleet is unknown"
    if view.events:
        return "bad", _moved(view)
    if faulty == 1:
        name = view.worst[0].service if view.worst else "one service"
        return "bad", f"{name} is an outlier among {view.services:,} services"
    if faulty:
        return "bad", f"{faulty:,} of {view.services:,} services are outliers"
    if silent:
        return "warn", f"No data from {silent:,} of {view.services:,} services"
    return "good", f"All {view.services:,} services are healthy"


def _is_unknown(view: FleetView) -> bool:
    """Whether the data is so old that the current state of all services is unknown."""
    return bool(view.stale_reason) and view.counts.get(ServiceState.NO_DATA, 0) == view.services


def _moved(view: FleetView) -> str:
    """What shifted together, and how many of the listed services are outliers on their own."""
    zones = sorted({event.zone for event in view.events if event.zone})
    everyone = any(not event.zone for event in view.events)
    zone = f"Zone {zones[0]}" if len(zones) == 1 else ""
    who = "The entire fleet has shifted" if everyone else f"{zone} has shifted" if zone else "Zones have shifted"
    alone = sum(not row.flag.zone for row in view.worst)
    if not alone:
        return who
    others = "1 service is an outlier on its own" if alone == 1 else f"{alone} services are outliers on their own"
    return f"{who}, and {others}"


def _tiles(view: FleetView) -> tuple[CountTile, ...]:
    def tile(title: str, state: ServiceState, tone: Tone, meaning: str) -> CountTile:
        count = view.counts.get(state, 0)
        part = 100 * count / max(view.services, 1)
        return CountTile(title, count, f"{_percent(part)} % of the fleet", tone if count else "none", meaning)

    return (
        tile("Outliers", ServiceState.OUTLIER, "bad", "Deviates from its baseline while its peers do not"),
        tile("No data", ServiceState.NO_DATA, "warn", "An expected signal is missing; never counted as healthy"),
        tile("Learning", ServiceState.LEARNING, "none", "Not enough history: compared only with its peers"),
        tile("Healthy", ServiceState.OK, "good", "Within its baseline for this time of day"),
    )


def _percent(part: float) -> str:
    """A share with few digits; 100 only if it is exact."""
    if 99.5 <= part < 100:
        return f"{min(part, 99.99):.4g}"
    return f"{part:.0f}" if part >= 10 or not part else f"{part:.2g}"


def _shift(shifts: Mapping[str, float]) -> tuple[str, str]:
    """The signal with the largest shift of the fleet: the factor, and the name."""
    known = {name: shift for name, shift in shifts.items() if isfinite(shift) and shift > 0}
    if not known:
        return NOTHING, "unknown"
    name = max(known, key=lambda name: max(known[name], 1 / known[name]))
    signal = SIGNAL_BY_NAME.get(name)
    return f"×{known[name]:.2f}", f"{signal.title.lower() if signal else name}, the largest shift"


def _banners(view: FleetView) -> tuple[FleetBanner, ...]:
    """The stale reason first, then one event for each place."""
    found = [FleetBanner("bad", "Stale data", view.stale_reason)] if view.stale_reason else []
    places: dict[str, str] = {}
    for event in view.events:
        places.setdefault(event.zone, event.sentence)
    return (*found, *(FleetBanner("bad", "", sentence) for sentence in places.values()))


def _row(worst: RankedService, view: FleetView, threshold: float) -> OutlierRow:
    flag = worst.flag
    signal = SIGNAL_BY_NAME[flag.signal]
    return OutlierRow(
        service=worst.service,
        signal_name=signal.name,
        signal=signal.title,
        sentence=flag.sentence.replace(f" of {flag.service}", "", 1),  # the row shows its name already
        value=format_short(flag.value, signal.unit),
        baseline=format_short(flag.baseline, signal.unit),
        score=f"{flag.score:.1f}",
        since=datetime.fromtimestamp(flag.since_s, UTC),
        lasts_s=max(0.0, view.at.timestamp() - flag.since_s),
        zone=flag.zone,
        spark=score_sparkline([float(score) for score in worst.scores], threshold, worst.service),
    )


def score_sparkline(scores: Sequence[float], threshold: float, name: str) -> ScoreSparkline:
    """The line of a score. The scale reaches twice the threshold, so that noise stays flat."""
    scale = charts.scale_of([abs(score) for score in scores], height=SPARK[1], least=2 * threshold)
    known = [abs(score) for score in scores if not isnan(score)]
    label = f"Score of {name}: now {known[-1]:.1f}, at most {max(known):.1f}" if known else f"Score of {name}: no data"
    line = charts.line([abs(score) for score in scores], scale, width=SPARK[0])
    return ScoreSparkline(line, round(scale.y(threshold), 1), label)


def peer_plot(multiple: SmallMultiple) -> PeerPlot:
    """The plot of one signal, from zero to the maximum of line and band."""
    flag, signal = multiple.flag, SIGNAL_BY_NAME[multiple.flag.signal]
    width, height = PLOT
    scale = charts.scale_of(multiple.values, multiple.high, height=height)
    times = [datetime.fromtimestamp(at_s, UTC) for at_s in multiple.times_s]
    return PeerPlot(
        service=flag.service,
        signal=signal.title,
        line=charts.line(multiple.values, scale, width=width),
        band=charts.band(multiple.low, multiple.high, scale, width=width),
        median=charts.line(multiple.median, scale, width=width),
        top=format_short(scale.high, signal.unit),
        start=times[0] if times else None,
        end=times[-1] if times else None,
        label=plot_label(flag),
        baseline=format_short(flag.baseline, signal.unit),
        value=format_short(flag.value, signal.unit),
    )


def plot_label(flag: OutlierFlag) -> str:
    """The plot's text for screen readers."""
    signal = SIGNAL_BY_NAME[flag.signal]
    value, baseline, peers = (
        format_short(figure, signal.unit) for figure in (flag.value, flag.baseline, flag.peer_median)
    )
    return f"{signal.title} of {flag.service}: {value}, baseline {baseline}, peers {peers}"


def heatmap_of(view: FleetView, threshold: float) -> Heatmap:
    """The heatmap of the view; rows after the named ones are shared by several services."""
    columns = len(view.times)
    rows = tuple(
        _heat_row(label, [float(score) for score in scores], threshold)
        for label, scores in zip(view.heat_labels, view.heat, strict=True)
    )
    picks = (0, columns // 4, columns // 2, 3 * columns // 4, columns - 1) if columns >= 9 else (0, columns - 1)
    marks = tuple(view.times[pick] for pick in picks) if columns > 1 else view.times
    return Heatmap(rows, columns, marks, shared=any(row.many for row in rows))


def _heat_row(label: str, scores: Sequence[float], threshold: float) -> HeatmapRow:
    known = [abs(score) for score in scores if not isnan(score)]
    worst = max(known, default=nan)
    now = "no data now" if scores and isnan(scores[-1]) else f"now {abs(scores[-1]):.1f}" if scores else "empty"
    return HeatmapRow(
        label=label,
        many=label.endswith(" services") and label.removesuffix(" services").replace(",", "").isdigit(),
        paths=tuple(charts.heat_paths(scores, threshold)),
        worst=NOTHING if isnan(worst) else f"{worst:.1f}",
        label_text=f"{label}: {now}" + ("" if isnan(worst) else f", at most {worst:.1f}"),
    )


def format_short(value: float, unit: str) -> str:
    """A value with its unit, abbreviated for tables; a dash for NaN."""
    if not isfinite(value):
        return NOTHING
    return format_quantity(value, unit).replace(" requests/s", "/s").replace(" request/s", "/s")
