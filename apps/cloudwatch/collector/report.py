"""What a person reads of plans and costs: aligned lines."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.collector.batching import QueryWindow, batch_queries
from apps.cloudwatch.collector.cost import DAYS, MonthForecast, forecast, month_end_s, month_of, usd
from apps.cloudwatch.collector.queries import MetricQuery

Place = tuple[str, str]
"""Of which kind a resource is, and its name."""

NOTHING: Final = (
    "no resource is set: name some by ANDEN_CLOUDWATCH_DATABASE_INSTANCES, _KAFKA_CLUSTER, _BALANCER, _HTTP_API, "
    "_FUNCTIONS or _CLUSTER"
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 1) -> Iterator[str]:
    """The rows below their heads, in columns; the last `right` of them are numbers and end together."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    first = len(heads) - right
    for line in lines:
        cells = (
            text.ljust(width) if place < first else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def plan_lines(
    queries: Sequence[MetricQuery], *, window: QueryWindow, cycle_s: float, budget_usd: float
) -> Iterator[str]:
    """What would be asked, by resource and metric, and what that costs; a resource is named in its first line."""
    asked: dict[Place, dict[str, list[str]]] = {}
    for query in queries:
        key, statistic, _ = query.labels
        asked.setdefault(_place(query), {}).setdefault(key, []).append(statistic)
    rows = (
        (
            *(place if first else ("", "")),
            key,
            ", ".join(statistics),
            f"{usd(forecast(len(statistics), cycle_s=cycle_s)):.3f}",
        )
        for place, metrics in asked.items()
        for first, (key, statistics) in zip([True, *[False] * len(metrics)], metrics.items(), strict=False)
    )
    yield from table(("", "resource", "metric", "statistics", f"USD in {DAYS} days"), rows)
    yield ""
    whole = forecast(len(queries), cycle_s=cycle_s)
    calls = len(batch_queries(queries, window))
    yield (
        f"{_many(len(queries), 'metric')} in {_many(calls, 'call')} a cycle, every {cycle_s:g} s: "
        f"{whole:,} metrics in {DAYS} days, {usd(whole):.2f} USD of a budget of {budget_usd:.2f} USD"
    )
    if usd(whole) > budget_usd:
        yield "That is more than the budget: collection would stop before the month ends"


def cost_lines(
    queries: Sequence[MetricQuery], expected: MonthForecast, *, calls: int, budget_usd: float, now_s: float
) -> Iterator[str]:
    """What each resource costs in this month, what was spent, and when the budget would stop it."""
    month = month_of(now_s)
    end_s = month_end_s(month)
    by_resource = Counter(map(_place, queries))
    rest = expected.until_end // max(1, len(queries))
    rows = (
        (*place, f"{count:,}", f"{count * rest:,}", f"{usd(count * rest):.2f}")
        for place, count in by_resource.most_common()
    )
    yield from table(("", "resource", "metrics", f"requested until {_day(end_s)}", "USD"), rows, right=3)
    yield ""
    spent = f"{usd(expected.spent):.2f} USD"
    yield f"{month:%B %Y}: {expected.spent:,} metrics requested in {_many(calls, 'call')}, {spent}"
    more = f"{expected.until_end:,} more, {usd(expected.until_end):.2f} USD"
    if expected.stops_s is None:
        yield f"expected until its end: {more}; the month will have cost {expected.usd:.2f} of {budget_usd:.2f} USD"
        yield "the budget lasts"
        return
    yield f"wanted until its end: {more}; the budget of {budget_usd:.2f} USD ends it at {expected.usd:.2f} USD"
    if expected.stops_s <= now_s:
        yield f"the budget is spent: collection stands still until {_day(end_s)} 00:00 UTC"
    else:
        yield f"the budget stops collection on {_moment(expected.stops_s)}: raise it, or ask less often"


def _place(query: MetricQuery) -> Place:
    key, _, resource = query.labels
    return BY_KEY[key].resource, resource


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _moment(at_s: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def _day(at_s: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d}"
