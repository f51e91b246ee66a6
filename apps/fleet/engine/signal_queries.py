"""The PromQL of each signal: OpenTelemetry's by default, or from a YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.fleet.engine.opentelemetry import QUERIES, SERVICE
from apps.fleet.engine.signals import SIGNAL_BY_NAME

FIELDS: Final = ("service_label", "signals", "zones", "deployed")


class QueriesInvalid(ValueError):
    """The document is invalid: the message names the field."""


@dataclass(frozen=True, slots=True)
class SignalQueries:
    """The queries of an environment. Each signal query returns one series per service, identified by `service_label`.

    `zones` returns series with the labels `service_label` and `zone_label`; their values are ignored. `deployed`
    returns the epoch second of each service's last deploy. Empty: unknown.
    """

    service_label: str = SERVICE
    signals: Mapping[str, str] = field(
        default_factory=lambda: {signal: query.text for signal, query in QUERIES.items()}
    )
    zones: str = ""
    zone_label: str = ""
    deployed: str = ""


def parse_queries(document: Any) -> SignalQueries:
    """The queries of the document; omitted signals keep OpenTelemetry's.

    A null query disables its signal.
    Raises QueriesInvalid: names the field.
    """
    if not isinstance(document, dict):
        raise QueriesInvalid(f"expected a mapping with any of {', '.join(FIELDS)}")
    for name in document:
        if name not in FIELDS:
            raise QueriesInvalid(f"{name}: unknown field; use one of {', '.join(FIELDS)}")
    signals = _signals(document.get("signals", {}))
    if not signals:
        raise QueriesInvalid("signals: every signal is null; keep at least one")
    zones = document.get("zones", {})
    if not isinstance(zones, dict) or (zones and set(zones) != {"query", "label"}):
        raise QueriesInvalid("zones: must be a mapping with query and label")
    return SignalQueries(
        service_label=_text("service_label", document.get("service_label", SERVICE)),
        signals=signals,
        zones=_text("zones.query", zones["query"]) if zones else "",
        zone_label=_text("zones.label", zones["label"]) if zones else "",
        deployed=_text("deployed", document["deployed"]) if "deployed" in document else "",
    )


def _signals(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise QueriesInvalid(f"signals: must be a mapping with any of {', '.join(SIGNAL_BY_NAME)}")
    for name in found:
        if name not in SIGNAL_BY_NAME:
            raise QueriesInvalid(f"signals.{name}: unknown signal; use one of {', '.join(SIGNAL_BY_NAME)}")
    chosen = {**{name: query.text for name, query in QUERIES.items()}, **found}
    return {name: _text(f"signals.{name}", query) for name, query in chosen.items() if query is not None}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise QueriesInvalid(f"{name}: must be text, not {type(value).__name__ if value else 'empty'}")
    return value.strip()
