"""What `manage.py fleet list` and `fleet show` print."""

from collections.abc import Iterator, Sequence
from typing import Any

from apps.monitoring.core.fleet.packing import number_or_null
from apps.monitoring.core.fleet.report import WORDS, reading
from apps.monitoring.core.fleet.signals import SIGNAL_BY_NAME
from apps.monitoring.selectors.fleet_services import ServiceRow, ServiceShown


def list_lines(rows: Sequence[ServiceRow]) -> Iterator[str]:
    """The services as a table."""
    if not rows:
        yield "No service was observed yet: run `manage.py fleet evaluate`."
        return
    width = max(len("Service"), *(len(row.name) for row in rows))
    yield f"{'Service':<{width}}  {'Zone':<14} {'State':<9} {'Score':>7}  Since"
    for row in rows:
        score = "–" if row.score is None else f"{row.score:.1f}"
        yield (
            f"{row.name:<{width}}  {row.zone or '–':<14} {WORDS[row.state]:<9} {score:>7}  "
            f"{row.since:%Y-%m-%d %H:%M} UTC"
        )


def show_lines(shown: ServiceShown) -> Iterator[str]:
    """One service: its state, its six signals, and why it stands out."""
    row = shown.row
    yield f"{row.name}  {WORDS[row.state]} since {row.since:%Y-%m-%d %H:%M} UTC"
    yield (
        f"zone {row.zone or 'unknown'}, first seen {shown.first_seen:%Y-%m-%d %H:%M}, "
        f"last seen {shown.last_seen:%Y-%m-%d %H:%M} UTC"
    )
    if shown.trouble:
        yield shown.trouble
    yield ""
    yield f"  {'Signal':<20} {'Value':>18} {'Usual':>18} {'Ratio':>7} {'Peers':>7} {'Score':>7}"
    for known in shown.signals:
        yield (
            f"  {SIGNAL_BY_NAME[known.signal].title:<20} {reading(known.signal, known.value):>18} "
            f"{reading(known.signal, known.usual):>18} {_factor(known.ratio):>7} {_factor(known.peers):>7} "
            f"{_number(known.score):>7}"
        )
    for flag in shown.flags:
        yield from ("", flag.sentence)


def show_dict(shown: ServiceShown) -> dict[str, Any]:
    """One service as plain values."""
    return {
        **shown.row.as_dict(),
        "first_seen": shown.first_seen.isoformat(),
        "last_seen": shown.last_seen.isoformat(),
        "signals": {
            known.signal: {
                name: number_or_null(getattr(known, name)) for name in ("value", "usual", "ratio", "peers", "score")
            }
            for known in shown.signals
        },
        "reasons": [flag.sentence for flag in shown.flags],
    }


def _factor(value: float) -> str:
    return f"×{value:.2f}" if value == value else "–"  # noqa: PLR0124 - NaN


def _number(value: float) -> str:
    return f"{value:.1f}" if value == value else "–"  # noqa: PLR0124 - NaN
