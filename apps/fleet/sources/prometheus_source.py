"""Prometheus as a source: one query per signal, for now and for the same minutes of each earlier day."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.observation_builder import INDEX, ObservationBuilder, service_name_error
from apps.fleet.engine.series_table import SeriesTable, SeriesTableBuilder
from apps.fleet.engine.signal_queries import SignalQueries
from apps.fleet.engine.span import ObservationSpan
from apps.fleet.sources.prometheus_api import PrometheusApi, PrometheusSeries
from apps.telemetry.errors import SourceRefused, SourceUnavailable

LATE_S: Final = 600
"""Seconds within which samples may still arrive late, from recording rules and remote writes."""
MOST_SERVICES: Final = 20_000
"""With more services, a query probably does not return one series per service."""


class PrometheusSource:
    """Queries each signal once per day of its span, sequentially: only one response is in memory at a time.

    Results are cached, because the past does not change: the next evaluation requests only the new minutes, and the
    last ten again for late samples.
    """

    def __init__(self, api: PrometheusApi, queries: SignalQueries, span: ObservationSpan) -> None:
        self._api = api
        self._queries = queries
        self._span = span
        self._kept: dict[tuple[str, int], SeriesTable] = {}

    def observe(self, at_s: float) -> Observation:
        """The fleet according to Prometheus.

        Raises SourceUnavailable, SourceRefused, SourceInvalid: each names the signal.
        """
        builder = ObservationBuilder(self._span, at_s)
        points = self._span.points
        for signal, query in self._queries.signals.items():
            for day, times_s in self._span.windows(at_s):
                table = self._day(signal, query, day, times_s)
                self._kept[signal, day] = table
                cells = np.arange(day * points, (day + 1) * points)
                builder.put(builder.rows(table.rows)[:, None], INDEX[signal], cells, table.values)
        if not len(builder):
            raise SourceUnavailable(
                "no query returned a series: `manage.py fleet queries` prints the queries, "
                "ANDEN_FLEET_SIGNALS replaces them"
            )
        self._set_zones(builder, at_s)
        self._set_deploys(builder, at_s)
        return builder.observation()

    def _day(self, signal: str, query: str, day: int, times_s: NDArray[np.float64]) -> SeriesTable:
        """The values of each service at these times, from the cache as far as possible."""
        kept = self._kept.get((signal, day))
        if kept is None or times_s[0] < kept.times_s[0]:
            return self._query(signal, query, times_s)
        asked = times_s[times_s > kept.times_s[-1] - (LATE_S if day == 0 else 0)]
        if not len(asked):
            return kept.within(times_s)
        fresh = self._query(signal, query, asked)
        return kept.continued(times_s, fresh) if len(asked) < len(times_s) else fresh

    def _query(self, signal: str, query: str, times_s: NDArray[np.float64]) -> SeriesTable:
        what = f"the signal {signal}"
        filling = SeriesTableBuilder(times_s, self._span.step_s)
        seen: dict[str, Mapping[str, str]] = {}
        for series in self._api.range(query, times_s, step_s=self._span.step_s, what=what):
            service = self._service(series, what)
            # A long range comes in several responses, each of which may contain the same series.
            if seen.setdefault(service, series.labels) != series.labels:
                raise SourceRefused(
                    f"{what} returned several series for the service {service}: aggregate by "
                    f"({self._queries.service_label}): {query}"
                )
            filling.put(service, series.times_s, series.values)
            if len(seen) > MOST_SERVICES:
                raise SourceRefused(f"{what} returned more than {MOST_SERVICES:,} services: {query}")
        return filling.table()

    def _set_zones(self, builder: ObservationBuilder, at_s: float) -> None:
        """Set the zones of known services; the query may return others, too."""
        if not self._queries.zones:
            return
        for series in self._api.instant(self._queries.zones, at_s, what="the zones"):
            service = self._service(series, "the query of zones")
            zone = series.labels.get(self._queries.zone_label, "")
            if zone and service in builder:
                builder.set_zone(service, zone)

    def _set_deploys(self, builder: ObservationBuilder, at_s: float) -> None:
        if not self._queries.deployed:
            return
        for series in self._api.instant(self._queries.deployed, at_s, what="the deploys"):
            service = self._service(series, "the query of deploys")
            if service in builder and series.values[0] <= at_s:
                builder.set_deployed(service, float(series.values[0]))

    def _service(self, series: PrometheusSeries, what: str) -> str:
        label = self._queries.service_label
        service = series.labels.get(label, "")
        if not service:
            raise SourceRefused(f"{what} returned a series without the label {label}: aggregate by ({label})")
        if service_name_error(service):
            raise SourceRefused(f"{what}: the service {service[:40]!r} {service_name_error(service)}")
        return service
