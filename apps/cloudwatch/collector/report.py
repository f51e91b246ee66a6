"""The output of `manage.py cloudwatch plan` and `cost`."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.collector.batching import QueryWindow, batch_queries
from apps.cloudwatch.collector.cost import DAYS, MonthForecast, forecast, month_end_s, month_of, usd
from apps.cloudwatch.collector.queries import MetricQuery

NamedResource = tuple[str, str]
"""A resource's kind and name."""

NO_RESOURCES: Final = (
    "no resource is set: set at least one of ANDEN_CLOUDWATCH_DATABASE_INSTANCES, _KAFKA_CLUSTER, _BALANCER, "
    "_HTTP_API, _FUNCTIONS and _CLUSTER"
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 1) -> Iterator[str]:
    """A table in aligned columns; the last `right` columns are right-aligned."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    first = len(heads) - right
    for line in lines:
        cells = (
            text.ljust(width) if column < first else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def plan_lines(
    queries: Sequence[MetricQuery], *, window: QueryWindow, cycle_s: float, budget_usd: float
) -> Iterator[str]:
    """The requested metrics by resource with their cost, then the total."""
    requested: dict[NamedResource, dict[str, list[str]]] = {}
    for query in queries:
        key, statistic, _ = query.labels
        requested.setdefault(_resource(query), {}).setdefault(key, []).append(statistic)
    rows = (
        (
            *(resource if first else ("", "")),
            key,
            ", ".join(statistics),
            f"{usd(forecast(len(statistics), cycle_s=cycle_s)):.3f}",
        )
        for resource, metrics in requested.items()
        for first, (key, statistics) in zip([True, *[False] * len(metrics)], metrics.items(), strict=False)
    )
    yield from table(("kind", "resource", "metric", "statistics", f"USD per {DAYS} days"), rows)
    yield ""
    total = forecast(len(queries), cycle_s=cycle_s)
    calls = len(batch_queries(queries, window))
    yield f"Plan: {_many(len(queries), 'metric')} in {_many(calls, 'call')} per cycle, every {cycle_s:g} s."
    yield f"Cost: {total:,} metrics in {DAYS} days, {usd(total):.2f} of {budget_usd:.2f} USD."
    if usd(total) > budget_usd:
        yield "Over budget: collection would stop before the end of the month."


def cost_lines(
    queries: Sequence[MetricQuery], expected: MonthForecast, *, calls: int, budget_usd: float, now_s: float
) -> Iterator[str]:
    """The cost per resource until the end of the month, the cost so far, and when the budget runs out."""
    month = month_of(now_s)
    end_s = month_end_s(month)
    by_resource = Counter(map(_resource, queries))
    rest = expected.until_end // max(1, len(queries))
    rows = (
        (*resource, f"{count:,}", f"{count * rest:,}", f"{usd(count * rest):.2f}")
        for resource, count in by_resource.most_common()
    )
    yield from table(("kind", "resource", "metrics", f"requests until {_day(end_s)}", "USD"), rows, right=3)
    yield ""
    spent = f"{usd(expected.spent):.2f} USD"
    yield f"{month:%B %Y}: {expected.spent:,} metrics requested in {_many(calls, 'call')}, {spent}."
    more = f"{expected.until_end:,} more metrics by the end of the month, {usd(expected.until_end):.2f} USD"
    if expected.stops_s is None:
        yield f"Forecast: {more}; {expected.usd:.2f} of {budget_usd:.2f} USD in total."
        yield "Within budget."
        return
    yield f"Without a budget: {more}. The budget caps the month at {expected.usd:.2f} of {budget_usd:.2f} USD."
    if expected.stops_s <= now_s:
        yield f"Budget spent: collection resumes on {_day(end_s)} 00:00 UTC."
    else:
        yield f"The budget runs out on {_datetime(expected.stops_s)}. Raise it, or collect less often."


def _resource(query: MetricQuery) -> NamedResource:
    key, _, resource = query.labels
    return BY_KEY[key].resource, resource


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _datetime(at_s: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def _day(at_s: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d}"
