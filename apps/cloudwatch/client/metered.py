"""CloudWatch queries in batches, rate-limited, retried, and paid from the budget before they are sent."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.cloudwatch import metrics
from apps.cloudwatch.client.port import MetricData, MetricDataPage, RequestBudget
from apps.cloudwatch.collector.batching import QueryWindow, batch_queries
from apps.cloudwatch.collector.queries import Labels, MetricQuery, Point
from apps.cloudwatch.collector.rate_limit import TRIES, TokenBucket, backoff_s
from apps.telemetry import prometheus
from apps.telemetry.errors import SourceRefused, SourceThrottled, SourceUnavailable

MAX_PAGES: Final = 1_000
"""Pages of one call after which pagination is assumed to loop."""


@dataclass(slots=True)
class CallResult:
    """The result of one call, by the labels of its queries; a series without points is not in `points`.

    `incomplete` has the labels whose points CloudWatch could not read: missing, not zero.
    """

    queries: Sequence[MetricQuery]
    points: dict[Labels, list[Point]] = field(default_factory=dict)
    incomplete: set[Labels] = field(default_factory=set)
    sent: int = 0


class MeteredCloudWatch:
    """Queries CloudWatch and counts every request in Prometheus and in the budget, for any number of queries."""

    def __init__(
        self,
        data: MetricData,
        budget: RequestBudget,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data = data
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._bucket = TokenBucket()

    def fetch(self, queries: Sequence[MetricQuery], window: QueryWindow) -> Iterator[CallResult]:
        """The points of all queries in the window, call by call: results before an error are kept.

        Raises BudgetSpent: nothing more was sent. SourceUnavailable: all retries failed. SourceRefused: fix it.
        """
        for batch in batch_queries(queries, window):
            yield self._call(batch, window)

    def _call(self, queries: Sequence[MetricQuery], window: QueryWindow) -> CallResult:
        call = CallResult(queries)
        token, found = "", set[tuple[int, str]]()
        for _ in range(MAX_PAGES):
            page = self._page(queries, window, token, call)
            _reject_duplicate_labels(page, queries)
            for result in page.results:
                query = queries[result.index]
                labels = (*query.labels, result.label) if query.expression else query.labels
                if query.expression:
                    found.add((result.index, result.label))
                if result.points:
                    call.points.setdefault(labels, []).extend(result.points)
                if result.status in {"InternalError", "Forbidden"}:
                    call.incomplete.add(labels)
            token = page.token
            if not token:
                break
        else:
            raise SourceUnavailable(f"CloudWatch returned {MAX_PAGES} pages for one call and has more: request less")
        beyond = len(found) - len({index for index, _ in found})
        if beyond > 0:
            self._budget.charge_extra(beyond, now_s=self._clock())
            prometheus.counter(metrics.CLOUDWATCH_METRICS).inc(beyond)
        return call

    def _page(
        self, queries: Sequence[MetricQuery], window: QueryWindow, token: str, call: CallResult
    ) -> MetricDataPage:
        """One page, after up to TRIES attempts; every attempt that may have arrived is paid for."""
        for attempt in range(1, TRIES + 1):
            reserved_s = self._clock()
            self._budget.reserve(len(queries), now_s=reserved_s)
            self._sleep(self._bucket.wait_s(self._clock()))
            try:
                page = self._data.page(queries, start_s=window.start_s, end_s=window.end_s, token=token)
            except SourceUnavailable as error:
                _count("throttled" if isinstance(error, SourceThrottled) else "unavailable")
                self._charge(queries, call, sent=error.sent, reserved_s=reserved_s)
                if attempt == TRIES:
                    raise
                self._sleep(backoff_s(attempt, random.random()))  # noqa: S311 - jitter
            except SourceRefused as error:
                _count("refused")
                self._charge(queries, call, sent=error.sent, reserved_s=reserved_s)
                raise
            else:
                _count("ok")
                self._charge(queries, call, sent=True, reserved_s=reserved_s)
                return page
        raise AssertionError("the last attempt returns or raises")

    def _charge(self, queries: Sequence[MetricQuery], call: CallResult, *, sent: bool, reserved_s: float) -> None:
        """Count the request, or refund its reservation if it was certainly never sent."""
        if sent:
            call.sent += 1
            prometheus.counter(metrics.CLOUDWATCH_METRICS).inc(len(queries))
        else:
            self._budget.refund(len(queries), reserved_s=reserved_s)


def _count(outcome: str) -> None:
    prometheus.counter(metrics.CLOUDWATCH_CALLS).labels(outcome).inc()


def _reject_duplicate_labels(page: MetricDataPage, queries: Sequence[MetricQuery]) -> None:
    """Raises SourceRefused: a SEARCH found two series with one label, whose points would be merged."""
    names = Counter((result.index, result.label) for result in page.results if queries[result.index].expression)
    for (index, label), count in names.items():
        if count > 1:
            raise SourceRefused(
                f"a SEARCH finds {count} series labelled '{label}': add a dimension that distinguishes them: "
                f"{queries[index].expression}"
            )
