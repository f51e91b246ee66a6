"""The syntax of simulated faults: KIND:SERVICE:SIGNAL:FACTOR[:AFTER]."""

import difflib
import math
from collections.abc import Sequence
from typing import Final

from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.simulation import Fault, FaultKind
from apps.fleet.simulation.faults import SLOW

FAULT_FORMAT: Final = "KIND:SERVICE:SIGNAL:FACTOR[:AFTER]"
KINDS: Final = {
    "level": FaultKind.LEVEL,
    "step": FaultKind.STEP,
    "drift": FaultKind.DRIFT,
    "noisy": FaultKind.SPREAD,
    "flap": FaultKind.FLAP,
    "gap": FaultKind.SILENT,
    "zone": FaultKind.ZONE,
    "neighbour": FaultKind.NEIGHBOUR,
    "fleet": FaultKind.FLEET,
}
"""The kinds of faults by their name on the command line."""
ALREADY_S: Final = -3600.0
"""A fault without AFTER began an hour before the simulation, so it is visible immediately."""
_DRIFT_S: Final = 6 * 3600.0
"""How long a drift takes to reach its factor."""


class InvalidFault(ValueError):
    """The fault is invalid: the message names the part and the accepted values."""


def parse_fault(words: str, services: Sequence[str], zones: Sequence[str]) -> Fault:
    """The fault that the text describes, for a fleet of these services in these zones.

    SERVICE is a name; `zone` also accepts a zone, and `fleet` anything. SIGNAL is a signal, or `slow` for the three
    signals of a slow service. AFTER is seconds from the start of the simulation, negative for before it.
    Raises InvalidFault.
    """
    parts = words.split(":")
    if len(parts) not in (4, 5):
        raise InvalidFault(f"'{words}' is not {FAULT_FORMAT}, for example level:{services[0]}:latency_p95:3")
    kind = KINDS[_one_of("kind", parts[0], list(KINDS))]
    signals = _signals(kind, parts[2])
    after_s = _number("after", parts[4]) if len(parts) == 5 else ALREADY_S
    return Fault(
        kind=kind,
        factor=_factor(parts[3]),
        signals=signals,
        services=(_service(kind, parts[1], services, zones),),
        start_s=-after_s,
        end_s=-after_s - _DRIFT_S if kind is FaultKind.DRIFT else -math.inf,
    )


def _signals(kind: FaultKind, word: str) -> tuple[str, ...]:
    if word in {"slow", "*"} or (not word and kind is FaultKind.SILENT):
        return SLOW
    return (_one_of("signal", word, [*SIGNAL_BY_NAME, "slow"]),)


def _service(kind: FaultKind, word: str, services: Sequence[str], zones: Sequence[str]) -> int:
    """The index of the first affected service."""
    if kind is FaultKind.FLEET:
        return 0
    if kind in {FaultKind.ZONE, FaultKind.NEIGHBOUR}:
        if word in zones:
            return list(zones).index(word)
        if word not in services:
            known = ", ".join(sorted(set(zones)))
            raise InvalidFault(f"'{word}' is neither a zone nor a service; zones: {known}")
    return list(services).index(_one_of("service", word, list(services)))


def _factor(word: str) -> float:
    factor = _number("factor", word)
    if not 0 < factor <= 1e6:
        raise InvalidFault(f"the factor {word} must be above 0 and at most a million")
    return factor


def _number(what: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidFault(f"'{word}' is not a number for {what} in {FAULT_FORMAT}")
    return value


def _one_of(what: str, word: str, known: list[str]) -> str:
    if word in known:
        return word
    near = difflib.get_close_matches(word, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(known[:9])}{_more(known)}"
    raise InvalidFault(f"unknown {what} '{word}': {hint}")


def _more(known: list[str]) -> str:
    return f" and {len(known) - 9:,} more" if len(known) > 9 else ""
