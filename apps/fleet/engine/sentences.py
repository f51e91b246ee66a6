"""Flags and events in sentences that a person understands."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from apps.fleet.engine.evaluation import OutlierFlag
from apps.fleet.engine.signals import ServiceSignal

_AS_USUAL: Final = 1.1
"""A ratio up to this is no more than usual."""
_TIMES_AT_MOST: Final = 1000.0


def format_quantity(value: float, unit: str) -> str:
    """A value with its unit as people say it: 41 ms, 1.2 %, 380 requests/s."""
    if unit == "seconds":
        if value < 0.0009995:
            return f"{_figure(value * 1e6)} µs"
        return f"{_figure(value * 1e3)} ms" if value < 0.9995 else f"{_figure(value)} s"
    if unit == "ratio":
        return f"{_figure(value * 100)} %"
    return f"{_figure(value)} {'request/s' if _figure(value) == '1' else 'requests/s'}"


def format_time(at_s: float, now_s: float) -> str:
    """A time of day in UTC, with its date where that is another than now's."""
    at, now = datetime.fromtimestamp(at_s, UTC), datetime.fromtimestamp(now_s, UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def format_factor(ratio: float) -> str:
    """A factor: 3.1 times, 12 times, 0.31 times."""
    return f"{_figure(ratio)} times" if ratio < _TIMES_AT_MOST else f"more than {_TIMES_AT_MOST:,.0f} times"


def capital(phrase: str) -> str:
    """The phrase at the beginning of a sentence, without its article."""
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
    """Why a service stands out, said at `at_s`.

    `swing` is how many times as much as usual a restless signal swings; `deployed_s` is the deploy that a step
    follows; `new` is a service without a past, whose `baseline` is its peers' usual value.
    """
    subject = f"{capital(signal.phrase)} of {flag.service}"
    since = f"since {format_time(flag.since_s, at_s)}"
    if new:
        return (
            f"{subject} is {format_factor(flag.value / max(flag.baseline, signal.floor))} what is usual among its "
            f"{flag.peers:,} peers ({format_quantity(flag.value, signal.unit)}, theirs "
            f"{format_quantity(flag.baseline, signal.unit)}); it is too new to have a usual of its own."
        )
    if flag.kind == "spread":
        return (
            f"{subject} is restless: within minutes it swings {format_factor(swing)} as much as usual for this time "
            f"of day, around {format_quantity(flag.value, signal.unit)} "
            f"(usual {format_quantity(flag.baseline, signal.unit)})"
            f"{_beside(flag, signal)}; {since}."
        )
    if flag.kind == "step":
        since += f", when it was deployed ({format_time(deployed_s, at_s)})"
    if flag.kind == "drift":
        rose = "risen" if flag.value >= flag.baseline else "fallen"
        return f"{subject} has {rose} little by little and is {_stands(flag, signal)}{_beside(flag, signal)}; {since}."
    return f"{subject} is {_stands(flag, signal)}{_beside(flag, signal)}; {since}."


def fleet_sentence(shifts: Sequence[tuple[ServiceSignal, float]], moved: int, known: int, *, since: str) -> str:
    """The whole fleet moves together."""
    return (
        f"The whole fleet moves together: {_listed(shifts)} for this time of day, in {moved:,} of {known:,} services; "
        f"since {since}."
    )


def zone_sentence(
    zone: str, shifts: Sequence[tuple[ServiceSignal, float]], moved: int, known: int, *, since: str, loud: str = ""
) -> str:
    """A zone moves together, apart from the others. `loud` is a sentence on the member that may be the cause."""
    return (
        f"Zone {zone} moves together, apart from the rest of the fleet: {_listed(shifts)} for this time of day, in "
        f"{moved:,} of its {known:,} services; since {since}.{f' {loud}' if loud else ''}"
    )


def neighbour_sentence(service: str, ratio: float) -> str:
    """The member of a zone that may crowd out the others."""
    return f"{service} gets {format_factor(ratio)} its usual requests and may crowd out its neighbours."


def _stands(flag: OutlierFlag, signal: ServiceSignal) -> str:
    """3.1 times its usual for this time of day (41 ms, usual 13 ms). Of almost nothing there is no multiple."""
    value, baseline = format_quantity(flag.value, signal.unit), format_quantity(flag.baseline, signal.unit)
    if flag.baseline < signal.floor:
        return f"{value}, usually {baseline} at this time of day"
    ratio = flag.value / flag.baseline
    usual = "no more than usual" if 1 / _AS_USUAL < ratio < _AS_USUAL else f"{format_factor(ratio)} its usual"
    return f"{usual} for this time of day ({value}, usual {baseline})"


def _beside(flag: OutlierFlag, signal: ServiceSignal) -> str:
    if flag.peers < 3:
        return "; with so few peers its own past alone speaks"
    return (
        f", while its {flag.peers:,} peers stand at {_ratio(flag.peer_median, flag.baseline, signal):.2f} times theirs"
    )


def _ratio(value: float, baseline: float, signal: ServiceSignal) -> float:
    return (value + signal.floor) / (baseline + signal.floor)


def _listed(shifts: Sequence[tuple[ServiceSignal, float]]) -> str:
    named = [f"{signal.phrase} is {format_factor(shift)} its usual" for signal, shift in shifts]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _figure(value: float) -> str:
    """Two figures that count, three from a hundred on."""
    if value >= 99.5:
        return f"{value:,.0f}"
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"
