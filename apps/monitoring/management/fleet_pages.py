"""What `manage.py fleet list` and `fleet show` print."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import yaml

from apps.monitoring.core.fleet.evaluation import State
from apps.monitoring.core.fleet.packing import number_or_null
from apps.monitoring.core.fleet.report import WORDS, reading
from apps.monitoring.core.fleet.signal_queries import SignalQueries
from apps.monitoring.core.fleet.signals import SIGNAL_BY_NAME
from apps.monitoring.selectors.fleet_service import ServiceView
from apps.monitoring.selectors.fleet_services import ServiceRow


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


def show_lines(view: ServiceView, state: State, trouble: str) -> Iterator[str]:
    """One service: its state, its signals, and why it stands out; `trouble` says why this is not of now, if so."""
    service = view.service
    yield f"{service.name}  {WORDS[state]} since {service.since:%Y-%m-%d %H:%M} UTC"
    yield (
        f"zone {service.zone or 'unknown'}, first seen {service.first_seen:%Y-%m-%d %H:%M}, "
        f"last seen {service.last_seen:%Y-%m-%d %H:%M} UTC"
    )
    if trouble:
        yield f"{trouble} What follows is of {view.at:%Y-%m-%d %H:%M} UTC." if view.at else trouble
    yield ""
    yield f"  {'Signal':<20} {'Value':>18} {'Usual':>18} {'Peers stand at':>18} {'Score':>7}"
    for known in view.signals:
        name = known.signal.name
        score = f"{known.score:.1f}" if isfinite(known.score) else "–"
        yield (
            f"  {known.signal.title:<20} {reading(name, known.value):>18} {reading(name, known.usual):>18} "
            f"{reading(name, known.peer_median):>18} {score:>7}"
        )
    for flag in view.flags:
        yield from ("", flag.sentence)


def queries_text(queries: SignalQueries) -> str:
    """The queries as the YAML that ANDEN_FLEET_SIGNALS names."""
    document: dict[str, Any] = {
        "service_label": queries.service_label,
        "signals": {name: queries.signals.get(name) for name in SIGNAL_BY_NAME},
    }
    if queries.zones:
        document["zones"] = {"query": queries.zones, "label": queries.zone_label}
    if queries.deployed:
        document["deployed"] = queries.deployed
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def show_dict(view: ServiceView, state: State, trouble: str) -> dict[str, Any]:
    """One service as plain values."""
    service = view.service
    parts = ("value", "usual", "peer_low", "peer_median", "peer_high", "score")
    return {
        "service": service.name,
        "zone": service.zone,
        "state": state.name.lower(),
        "since": service.since.isoformat(),
        "first_seen": service.first_seen.isoformat(),
        "last_seen": service.last_seen.isoformat(),
        "trouble": trouble,
        "signals": {
            known.signal.name: {part: number_or_null(getattr(known, part)) for part in parts} for known in view.signals
        },
        "reasons": [flag.sentence for flag in view.flags],
    }
