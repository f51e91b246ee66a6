"""An evaluation as text for the terminal, and as plain values for JSON."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from apps.fleet.engine.evaluation import Evaluation, FleetEvent, OutlierFlag, ServiceState
from apps.fleet.engine.packing import as_json, number_or_null
from apps.fleet.engine.sentences import format_quantity
from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.engine.view import MAX_RANKED

STATE_LABELS: Final = {
    ServiceState.OK: "ok",
    ServiceState.OUTLIER: "outlier",
    ServiceState.NO_DATA: "no data",
    ServiceState.LEARNING: "learning",
}
"""The display names of the states."""


def report(evaluation: Evaluation, *, days: int) -> Iterator[str]:
    """The lines of the report: counts, events, and outliers with their reasons."""
    minutes = evaluation.window_s / 60
    yield (
        f"Fleet of {len(evaluation.services):,} services at {format_time(evaluation.at_s, with_day=True)} UTC: "
        f"the last {minutes:g} minutes compared with {days} earlier days and with peers"
    )
    yield ""
    for state, word in STATE_LABELS.items():
        yield f"  {word:<10}{evaluation.count(state):>7,}"
    if evaluation.events:
        yield from ("", "Events")
        for event in evaluation.events:
            yield from _event(event)
    yield from _outliers(evaluation.flags)


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation without its arrays, for json.dumps."""
    return {
        "at": datetime.fromtimestamp(evaluation.at_s, UTC).isoformat(),
        "window_s": evaluation.window_s,
        "services": {state.name.lower(): evaluation.count(state) for state in ServiceState},
        "shifts": {
            signal.name: number_or_null(shift)
            for signal, shift in zip(evaluation.signals, evaluation.shift.tolist(), strict=True)
        },
        "events": [as_json(event) for event in evaluation.events],
        "flags": [as_json(flag) for flag in evaluation.flags],
    }


def format_value(signal: str, value: float) -> str:
    """A value with its unit: 340 ms, 1.2 %, 38.1 requests/s."""
    return format_quantity(value, SIGNAL_BY_NAME[signal].unit) if isfinite(value) else "no data"


def format_time(at_s: float, *, with_day: bool = False) -> str:
    """The time in UTC: 14:05, or 2026-03-01 14:05:00 with the day."""
    return f"{datetime.fromtimestamp(at_s, UTC):{'%Y-%m-%d %H:%M:%S' if with_day else '%H:%M'}}"


def _outliers(flags: Sequence[OutlierFlag]) -> Iterator[str]:
    """Outliers, the worst first, then the number of services that shift with each zone."""
    alone = [flag for flag in flags if not flag.zone]
    if alone:
        yield from ("", "Outliers")
        for flag in alone[:MAX_RANKED]:
            yield from _flag(flag)
        if len(alone) > MAX_RANKED:
            yield f"  and {len(alone) - MAX_RANKED:,} more signals: use --json to list them"
    members: dict[str, set[str]] = {}
    for flag in flags:
        if flag.zone:
            members.setdefault(flag.zone, set()).add(flag.service)
    if members:
        yield from ("", "Shifted with their zone")
        for zone in sorted(members):
            yield f"  {f'zone {zone}':<24} {len(members[zone]):,} services: use --json to list them"


def _event(event: FleetEvent) -> Iterator[str]:
    where = f"zone {event.zone}" if event.zone else "fleet"
    title, since = SIGNAL_BY_NAME[event.signal].title, format_time(event.since_s)
    yield f"  {where:<24} {title:<20} ×{event.shift:<8.3g} {event.services:,} services since {since}"
    yield f"    {event.sentence}"


def _flag(flag: OutlierFlag) -> Iterator[str]:
    title = SIGNAL_BY_NAME[flag.signal].title
    yield f"  {flag.service:<24} {title:<20} score {flag.score:<6.3g} since {format_time(flag.since_s)}"
    yield f"    {flag.sentence}"
