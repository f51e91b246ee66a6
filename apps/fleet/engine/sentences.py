"""Sentences that explain flags and events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from apps.fleet.engine.evaluation import OutlierFlag
from apps.fleet.engine.signals import ServiceSignal

_AT_BASELINE: Final = 1.1
"""Ratios up to this count as "at its baseline"."""
_TIMES_AT_MOST: Final = 1000.0


def format_quantity(value: float, unit: str) -> str:
    """A value with its unit: 41 ms, 1.2 %, 380 requests/s."""
    if unit == "seconds":
        if value < 0.0009995:
            return f"{_figure(value * 1e6)} µs"
        return f"{_figure(value * 1e3)} ms" if value < 0.9995 else f"{_figure(value)} s"
    if unit == "ratio":
        return f"{_figure(value * 100)} %"
    return f"{_figure(value)} {'request/s' if _figure(value) == '1' else 'requests/s'}"


def format_time(at_s: float, now_s: float) -> str:
    """The time of day in UTC, with the date unless it is today's."""
    at, now = datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(now_s, UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def format_factor(ratio: float) -> str:
    """A factor: 3.1 times, 12 times, 0.31 times."""
    return f"{_figure(ratio)} times" if ratio < _TIMES_AT_MOST else f"more than {_TIMES_AT_MOST:,.0f} times"


def capital(phrase: str) -> str:
    """The phrase capitalized, without its article."""
    bare = phrase.removeprefix("the ")
    return bare[:1].upper() + bare[1:]


def flag_sentence(
    flag: OutlierFlag,
    signal: ServiceSignal,
    *,
    at_s: float,
    swing: float = 0.0,
    deployed_s: float = 0.0,
    new: bool = False,
) -> str:
    """Why the service is flagged, as of `at_s`.

    `swing` is the swing of an unsteady signal relative to its baseline; `deployed_s` is the deploy before a step;
    `new` is a service without history, whose `baseline` is that of its peers.
    """
    subject = f"{capital(signal.phrase)} of {flag.service}"
    since = f"Since {format_time(flag.since_s, at_s)}"
    if new:
        return (
            f"{subject} is {format_factor(flag.value / max(flag.baseline, signal.floor))} the typical value of its "
            f"{flag.peers:,} peers ({format_quantity(flag.value, signal.unit)}, peers "
            f"{format_quantity(flag.baseline, signal.unit)}); it is too new to have a baseline."
        )
    if flag.kind == "spread":
        return (
            f"{subject} is unsteady: within minutes it swings {format_factor(swing)} as much as usual for this time "
            f"of day, around {format_quantity(flag.value, signal.unit)} "
            f"(baseline {format_quantity(flag.baseline, signal.unit)})"
            f"{_peers(flag, signal)}. {since}."
        )
    if flag.kind == "step":
        since += f", after a deploy ({format_time(deployed_s, at_s)})"
    if flag.kind == "drift":
        rose = "risen" if flag.value >= flag.baseline else "fallen"
        return f"{subject} has {rose} gradually and is {_deviation(flag, signal)}{_peers(flag, signal)}. {since}."
    return f"{subject} is {_deviation(flag, signal)}{_peers(flag, signal)}. {since}."


def fleet_sentence(shifts: Sequence[tuple[ServiceSignal, float]], moved: int, known: int, *, since: str) -> str:
    """The fleet shifts together."""
    return (
        f"The entire fleet has shifted: {_listed(shifts)} for this time of day, in {moved:,} of {known:,} services. "
        f"Since {since}."
    )


def zone_sentence(
    zone: str,
    shifts: Sequence[tuple[ServiceSignal, float]],
    moved: int,
    known: int,
    *,
    since: str,
    neighbour: str = "",
) -> str:
    """A zone shifts together, apart from the others. `neighbour` is a sentence on the member that may be the cause."""
    return (
        f"Zone {zone} has shifted, the rest of the fleet has not: {_listed(shifts)} for this time of day, in "
        f"{moved:,} of its {known:,} services. Since {since}.{f' {neighbour}' if neighbour else ''}"
    )


def neighbour_sentence(service: str, ratio: float) -> str:
    """The member of a zone that may be its noisy neighbour."""
    return f"{service} receives {format_factor(ratio)} its usual requests and may be the noisy neighbour."


def _deviation(flag: OutlierFlag, signal: ServiceSignal) -> str:
    """3.1 times its baseline for this time of day (41 ms, baseline 13 ms). A baseline near zero has no multiple."""
    value, baseline = format_quantity(flag.value, signal.unit), format_quantity(flag.baseline, signal.unit)
    if flag.baseline < signal.floor:
        return f"{value}, normally {baseline} at this time of day"
    ratio = flag.value / flag.baseline
    multiple = "at its baseline" if 1 / _AT_BASELINE < ratio < _AT_BASELINE else f"{format_factor(ratio)} its baseline"
    return f"{multiple} for this time of day ({value}, baseline {baseline})"


def _peers(flag: OutlierFlag, signal: ServiceSignal) -> str:
    if flag.peers < 3:
        return "; too few peers to compare with"
    return f"; its {flag.peers:,} peers are at {_ratio(flag.peer_median, flag.baseline, signal):.2f} times theirs"


def _ratio(value: float, baseline: float, signal: ServiceSignal) -> float:
    return (value + signal.floor) / (baseline + signal.floor)


def _listed(shifts: Sequence[tuple[ServiceSignal, float]]) -> str:
    named = [f"{signal.phrase} is {format_factor(shift)} its baseline" for signal, shift in shifts]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _figure(value: float) -> str:
    """Two significant figures; three from 100."""
    if value >= 99.5:
        return f"{value:,.0f}"
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"
