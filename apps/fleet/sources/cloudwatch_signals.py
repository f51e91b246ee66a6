"""The CloudWatch metric of each signal: Lambda's by default, or from a YAML file."""

import re
from dataclasses import dataclass, fields
from typing import Any, Final

from apps.cloudwatch.catalogue.statistics import is_statistic
from apps.cloudwatch.collector.queries import Labels, MetricQuery
from apps.fleet.engine.signals import SIGNAL_BY_NAME

MOST_FOUND: Final = 500
"""Maximum series that one SEARCH returns. Source: CloudWatch's user guide, "Search expression quotas"."""
TOP: Final = ("dimensions", "service", "services", "namespace", "signals")
_WORD: Final = re.compile(r"[^'\"\\{}]{1,255}")
"""What can appear in a SEARCH without changing its meaning."""


class SignalsInvalid(ValueError):
    """The document is invalid: the message names the field."""


@dataclass(frozen=True, slots=True)
class SignalMetric:
    """One signal: a metric and its statistic, times `factor`, `per_second` for counts, divided by the metric `over`.

    Use `absent_is_zero` for metrics that AWS reports only when they are not zero. It applies only where `over` has a
    point: then the service was running. Other minutes stay without data.
    """

    metric: str
    statistic: str
    factor: float = 1.0
    per_second: bool = False
    over: str = ""
    absent_is_zero: bool = False


@dataclass(frozen=True, slots=True)
class FleetMetrics:
    """The metrics of a fleet. `service` is the dimension that identifies a service, one of `dimensions`.

    Without `services` a SEARCH finds them, up to MOST_FOUND; named ones are queried one by one, without a limit.
    """

    namespace: str
    dimensions: tuple[str, ...]
    service: str
    signals: tuple[tuple[str, SignalMetric], ...]
    services: tuple[str, ...] = ()

    def queries(self, *, period_s: int) -> tuple[MetricQuery, ...]:
        """The queries, labelled (signal, part) if a SEARCH adds the service, else (signal, part, service).

        `part` is value or over.
        """
        asked = []
        for signal, one in self.signals:
            for part, metric in (("value", one.metric), ("over", one.over)):
                if metric:
                    asked += self._metric_queries((signal, part), metric, one.statistic, period_s)
        return tuple(asked)

    def _metric_queries(self, labels: Labels, metric: str, statistic: str, period_s: int) -> list[MetricQuery]:
        if self.services:
            return [
                MetricQuery(
                    labels=(*labels, service),
                    namespace=self.namespace,
                    name=metric,
                    dimensions=((self.service, service),),
                    statistic=statistic,
                    period_s=period_s,
                )
                for service in self.services
            ]
        schema = ",".join([self.namespace, *(f'"{name}"' for name in self.dimensions)])
        return [
            MetricQuery(
                labels=labels,
                expression=f"SEARCH('{{{schema}}} MetricName=\"{metric}\"', '{statistic}', {period_s})",
                label=f"${{PROP('Dim.{self.service}')}}",
                period_s=period_s,
            )
        ]


LAMBDA: Final = FleetMetrics(
    namespace="AWS/Lambda",
    dimensions=("FunctionName",),
    service="FunctionName",
    signals=(
        ("request_rate", SignalMetric("Invocations", "Sum", per_second=True)),
        ("error_ratio", SignalMetric("Errors", "Sum", over="Invocations")),
        ("latency_p95", SignalMetric("Duration", "p95", factor=0.001)),
    ),
)
"""Every function of the region is a service."""


def parse_fleet_metrics(document: Any) -> FleetMetrics:
    """The metrics that the document describes. Raises SignalsInvalid: names the field."""
    if not isinstance(document, dict):
        raise SignalsInvalid(f"expected a mapping with any of {', '.join(TOP)}")
    for name in document:
        if name not in TOP:
            raise SignalsInvalid(f"{name}: unknown field; use one of {', '.join(TOP)}")
    dimensions = _words("dimensions", document.get("dimensions", []))
    service = _word("service", document.get("service", dimensions[0] if len(dimensions) == 1 else None))
    services = _words("services", document.get("services", []))
    if service not in dimensions:
        raise SignalsInvalid(f"service: must be one of the dimensions {', '.join(dimensions) or '(empty)'}")
    if services and len(dimensions) > 1:
        raise SignalsInvalid("services: requires exactly one dimension; omit it to use SEARCH")
    signals = document.get("signals")
    if not isinstance(signals, dict) or not signals:
        raise SignalsInvalid(f"signals: must be a mapping with any of {', '.join(SIGNAL_BY_NAME)}")
    return FleetMetrics(
        namespace=_word("namespace", document.get("namespace")),
        dimensions=dimensions,
        service=service,
        services=services,
        signals=tuple((name, _signal(name, found)) for name, found in signals.items()),
    )


def _signal(name: str, found: Any) -> SignalMetric:
    place = f"signals.{name}"
    known = {one.name: one for one in fields(SignalMetric)}
    if name not in SIGNAL_BY_NAME:
        raise SignalsInvalid(f"{place}: unknown signal; use one of {', '.join(SIGNAL_BY_NAME)}")
    if not isinstance(found, dict) or not found.keys() <= known.keys():
        raise SignalsInvalid(f"{place}: must be a mapping with any of {', '.join(known)}")
    statistic = found.get("statistic")
    if not isinstance(statistic, str) or not is_statistic(statistic):
        raise SignalsInvalid(f"{place}.statistic: must be Average, Sum, Minimum, Maximum, SampleCount or p0 to p100")
    factor = found.get("factor", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
        raise SignalsInvalid(f"{place}.factor: must be a number above zero")
    flags = {flag: found.get(flag, False) for flag in ("per_second", "absent_is_zero")}
    for flag, value in flags.items():
        if not isinstance(value, bool):
            raise SignalsInvalid(f"{place}.{flag}: must be true or false")
    over = _word(f"{place}.over", found["over"]) if "over" in found else ""
    if flags["absent_is_zero"] and not over:
        raise SignalsInvalid(f"{place}.absent_is_zero: requires `over`, which shows when the service was running")
    return SignalMetric(_word(f"{place}.metric", found.get("metric")), statistic, float(factor), over=over, **flags)


def _words(place: str, found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise SignalsInvalid(f"{place}: must be a list")
    return tuple(dict.fromkeys(_word(place, one) for one in found))


def _word(place: str, found: Any) -> str:
    if not isinstance(found, str) or not _WORD.fullmatch(found):
        raise SignalsInvalid(f"{place}: must be text of up to 255 characters without quotes and braces")
    return found
