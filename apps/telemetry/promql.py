"""PromQL built from metric objects: an unknown name, label or kind fails where the query is written."""

from dataclasses import dataclass
from typing import Final, Literal

from apps.telemetry.metric import Metric

PANEL_WINDOW: Final = "$__rate_interval"
"""The window that Grafana chooses for a panel; rules name their own ("5m")."""
TARGET_LABELS: Final = frozenset({"job", "instance", "namespace", "pod", "role"})
"""Labels that Prometheus adds to each scraped series; `role` comes from the chart's ServiceMonitors."""

Aggregate = Literal["sum", "max", "min", "avg", "count"]
Operator = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class PromqlQuery:
    """PromQL, and the metrics it reads, in order of first mention."""

    text: str
    metrics: tuple[Metric, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """A condition on a label: the service is "web", the status is not "2xx"."""

    label: str
    value: str
    operator: Operator = "="

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{escaped}"'


def series(metric: Metric, *where: LabelMatcher) -> PromqlQuery:
    """The raw series of a counter or gauge."""
    return PromqlQuery(f"{metric.name}{_braces(metric, where)}", (metric,))


def level(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), aggregate: Aggregate = "max") -> PromqlQuery:
    """A gauge over all processes and pods, one series per combination of `by`."""
    _expect(metric, "gauge")
    return _aggregated(aggregate, by, series(metric, *where))


def rate(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW) -> PromqlQuery:
    """A counter's increase per second, summed over all processes and pods."""
    _expect(metric, "counter")
    return _aggregated("sum", by, PromqlQuery(f"rate({series(metric, *where)}[{window}])", (metric,)))


def increase(
    metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """A counter's increase within the window, summed over all processes and pods."""
    _expect(metric, "counter")
    return _aggregated("sum", by, PromqlQuery(f"increase({series(metric, *where)}[{window}])", (metric,)))


def quantile(
    share: float, metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """The value below which `share` of a histogram's observations lie, over all processes and pods."""
    buckets = bucket_rate(metric, *where, by=by, window=window)
    return PromqlQuery(f"histogram_quantile({share:g}, {buckets})", (metric,))


def bucket_rate(
    metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """Observations per second of a histogram by `le`: for a quantile or a heat map."""
    _expect(metric, "histogram")
    inner = PromqlQuery(f"rate({metric.name}_bucket{_braces(metric, where)}[{window}])", (metric,))
    return _aggregated("sum", (*by, "le"), inner, beyond=("le",))


def rate_within(
    metric: Metric, bound: float, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """Observations per second of a histogram up to the bound, which must be one of its buckets."""
    _expect(metric, "histogram")
    if bound not in metric.buckets:
        raise ValueError(f"{metric.name} has no bucket {bound:g}: it has {metric.buckets}")
    where = (*where, LabelMatcher("le", f"{bound:g}" if bound != int(bound) else f"{bound:.1f}"))
    inner = PromqlQuery(f"rate({metric.name}_bucket{_braces(metric, where, beyond=('le',))}[{window}])", (metric,))
    return _aggregated("sum", by, inner)


def count_rate(
    metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """Observations per second of a histogram."""
    _expect(metric, "histogram")
    return _aggregated(
        "sum", by, PromqlQuery(f"rate({metric.name}_count{_braces(metric, where)}[{window}])", (metric,))
    )


def sum_rate(
    metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = (), window: str = PANEL_WINDOW
) -> PromqlQuery:
    """Sum of a histogram's observations per second: seconds of work per second, for `_seconds`."""
    _expect(metric, "histogram")
    return _aggregated("sum", by, PromqlQuery(f"rate({metric.name}_sum{_braces(metric, where)}[{window}])", (metric,)))


def compose(template: str, *parts: PromqlQuery) -> PromqlQuery:
    """One query from several, filled into the template's {} in order: compose("{} / {}", bad, all)."""
    metrics = dict.fromkeys(metric for part in parts for metric in part.metrics)
    return PromqlQuery(template.format(*(part.text for part in parts)), tuple(metrics))


def _aggregated(
    aggregate: Aggregate, by: tuple[str, ...], inner: PromqlQuery, beyond: tuple[str, ...] = ()
) -> PromqlQuery:
    for label in by:
        _expect_label(inner.metrics[0], label, beyond)
    grouping = f" by ({', '.join(by)})" if by else ""
    return PromqlQuery(f"{aggregate}{grouping} ({inner})", inner.metrics)


def _braces(metric: Metric, where: tuple[LabelMatcher, ...], beyond: tuple[str, ...] = ()) -> str:
    for match in where:
        _expect_label(metric, match.label, beyond)
    return f"{{{', '.join(map(str, where))}}}" if where else ""


def _expect(metric: Metric, kind: str) -> None:
    if metric.kind != kind:
        raise ValueError(f"{metric.name} is a {metric.kind}, not a {kind}")


def _expect_label(metric: Metric, label: str, beyond: tuple[str, ...]) -> None:
    if label not in {*metric.labels, *TARGET_LABELS, *beyond}:
        raise ValueError(f"{metric.name} has no label {label}: it has {', '.join(metric.labels) or 'none'}")
