"""Flags and events in sentences that a person understands."""

from collections.abc import Sequence
from datetime import UTC, datetime

from apps.monitoring.core.fleet.evaluation import Flag
from apps.monitoring.core.fleet.signals import Signal


def quantity(value: float, unit: str) -> str:
    """A value with its unit as people say it: 41 ms, 1.2 %, 380 requests/s."""
    if unit == "seconds":
        if value < 0.001:
            return f"{_figure(value * 1e6)} µs"
        return f"{_figure(value * 1e3)} ms" if value < 1 else f"{_figure(value)} s"
    if unit == "ratio":
        return f"{_figure(value * 100)} %"
    return f"{_figure(value)} {unit}"


def moment(at_s: float, now_s: float) -> str:
    """A time of day in UTC, with its date where that is another than now's."""
    at, now = datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(now_s, UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def times(ratio: float) -> str:
    """A factor: 3.1 times, 12 times, 0.31 times."""
    return f"{_figure(ratio)} times"


def capital(phrase: str) -> str:
    """The phrase at the beginning of a sentence, without its article."""
    bare = phrase.removeprefix("the ")
    return bare[:1].upper() + bare[1:]


def flag_sentence(flag: Flag, signal: Signal, *, at_s: float) -> str:
    """Why a service stands out, said at `at_s`."""
    ratio = (flag.value + signal.floor) / (flag.baseline + signal.floor)
    figures = f"({quantity(flag.value, signal.unit)}, usual {quantity(flag.baseline, signal.unit)})"
    return (
        f"{capital(signal.phrase)} of {flag.service} is {times(ratio)} its usual for this time of day {figures}"
        f"{_beside(flag, signal)}; since {moment(flag.since_s, at_s)}."
    )


def _beside(flag: Flag, signal: Signal) -> str:
    if not flag.peers:
        return "; it has no peers to compare"
    ratio = (flag.peer_median + signal.floor) / (flag.baseline + signal.floor)
    peers = "its one peer stands" if flag.peers == 1 else f"its {flag.peers:,} peers stand"
    return f", while {peers} at {ratio:.2f} times {'its own' if flag.peers == 1 else 'theirs'}"


def fleet_sentence(shifts: Sequence[tuple[Signal, float]], moved: int, known: int, *, since: str) -> str:
    """The whole fleet moves together."""
    return (
        f"The whole fleet moves together: {_listed(shifts)} for this time of day, in {moved:,} of {known:,} services; "
        f"since {since}."
    )


def zone_sentence(zone: str, shifts: Sequence[tuple[Signal, float]], moved: int, known: int, *, since: str) -> str:
    """A zone moves together, apart from the others."""
    return (
        f"Zone {zone} moves together, apart from the rest of the fleet: {_listed(shifts)} for this time of day, in "
        f"{moved:,} of its {known:,} services; since {since}."
    )


def _listed(shifts: Sequence[tuple[Signal, float]]) -> str:
    named = [f"{signal.phrase} is {times(shift)} its usual" for signal, shift in shifts]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _figure(value: float) -> str:
    """Two figures that count, three from a hundred on."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
