"""The output of `manage.py fleet list` and `fleet show`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import yaml

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.packing import number_or_null
from apps.fleet.engine.report import STATE_LABELS, format_value
from apps.fleet.engine.signal_queries import SignalQueries
from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.selectors.service import ServiceView
from apps.fleet.selectors.services import ServiceRow


def list_lines(rows: Sequence[ServiceRow]) -> Iterator[str]:
    """The services as a table."""
    if not rows:
        yield "No services yet: run `manage.py fleet evaluate`."
        return
    width = max(len("Service"), *(len(row.name) for row in rows))
    yield f"{'Service':<{width}}  {'Zone':<14} {'State':<9} {'Score':>7}  In state since"
    for row in rows:
        score = "–" if row.score is None else f"{row.score:.1f}"
        yield (
            f"{row.name:<{width}}  {row.zone or '–':<14} {STATE_LABELS[row.state]:<9} {score:>7}  "
            f"{row.since:%Y-%m-%d %H:%M} UTC"
        )


def show_lines(view: ServiceView, state: ServiceState, stale_reason: str) -> Iterator[str]:
    """One service: its state, signals and flags. `stale_reason` explains why the data is not current, if so."""
    service = view.service
    began = min((flag.since_s for flag in view.flags), default=None) if state is ServiceState.OUTLIER else None
    begun = f", deviating since {_when(datetime.fromtimestamp(began, UTC))}" if began is not None else ""
    yield f"{service.name}  {STATE_LABELS[state]}: detected {_when(service.since)}{begun} UTC"
    has_data = view.at if state in {ServiceState.OK, ServiceState.OUTLIER, ServiceState.LEARNING} else None
    # last_seen is not written at each evaluation.
    last = f"last data {_when(has_data)}" if has_data else f"last data around {_when(service.last_seen)}"
    yield f"zone {service.zone or 'unknown'}, first seen {_when(service.first_seen)}, {last} UTC"
    if stale_reason:
        yield f"{stale_reason} Showing data of {view.at:%Y-%m-%d %H:%M} UTC." if view.at else stale_reason
    yield ""
    yield f"  {'Signal':<20} {'Value':>18} {'Baseline':>18} {'Peer median':>18} {'Score':>7}"
    for known in view.signals:
        name = known.signal.name
        score = f"{known.score:.1f}" if isfinite(known.score) else "–"
        yield (
            f"  {known.signal.title:<20} {format_value(name, known.value):>18} "
            f"{format_value(name, known.baseline):>18} {format_value(name, known.peer_median):>18} {score:>7}"
        )
    for flag in view.flags:
        yield from ("", flag.sentence)


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def queries_text(queries: SignalQueries) -> str:
    """The queries as YAML for ANDEN_FLEET_SIGNALS."""
    document: dict[str, Any] = {
        "service_label": queries.service_label,
        "signals": {name: queries.signals.get(name) for name in SIGNAL_BY_NAME},
    }
    if queries.zones:
        document["zones"] = {"query": queries.zones, "label": queries.zone_label}
    if queries.deployed:
        document["deployed"] = queries.deployed
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def show_dict(view: ServiceView, state: ServiceState, stale_reason: str) -> dict[str, Any]:
    """One service as plain values."""
    service = view.service
    parts = ("value", "baseline", "peer_low", "peer_median", "peer_high", "score")
    return {
        "service": service.name,
        "zone": service.zone,
        "state": state.name.lower(),
        "since": service.since.isoformat(),
        "first_seen": service.first_seen.isoformat(),
        "last_seen": service.last_seen.isoformat(),
        "evaluated_at": view.at.isoformat() if view.at else None,
        "stale_reason": stale_reason,
        "signals": {
            known.signal.name: {part: number_or_null(getattr(known, part)) for part in parts} for known in view.signals
        },
        "reasons": [flag.sentence for flag in view.flags],
    }
