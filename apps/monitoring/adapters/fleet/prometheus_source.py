"""Prometheus as a source: one query a signal, asked for now and for the same minutes of each day before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.monitoring.adapters.fleet.prometheus_api import PrometheusApi, Series
from apps.monitoring.core.errors import SourceRefused
from apps.monitoring.core.fleet.gathering import INDEX, Gathering, naming_fault
from apps.monitoring.core.fleet.observation import Floats, Observation
from apps.monitoring.core.fleet.signal_queries import SignalQueries
from apps.monitoring.core.fleet.span import Span

MOST_SERVICES: Final = 20_000
"""More services than this are a query that does not give one series a service."""


class PrometheusSource:
    """Asks for each signal once a day of its span, one request after the other: an answer at a time is in memory.

    The days before do not change: what was asked once is kept, and the next look asks for the new minutes alone.
    """

    def __init__(self, api: PrometheusApi, queries: SignalQueries, span: Span) -> None:
        self._api = api
        self._queries = queries
        self._span = span
        self._past: dict[tuple[str, int], _Kept] = {}

    def observe(self, at_s: float) -> Observation:
        """The fleet as Prometheus knows it.

        Raises SourceAway, SourceRefused, SourceInvalid: each names the signal.
        """
        gathering = Gathering(self._span, at_s)
        for signal, query in self._queries.signals.items():
            for day, times_s in self._span.windows(at_s):
                values = self._day(signal, query, day, times_s)
                self._put(gathering, signal, day, values)
        self._places(gathering, at_s)
        self._deploys(gathering, at_s)
        return gathering.observation()

    def _day(self, signal: str, query: str, day: int, times_s: NDArray[np.float64]) -> dict[str, Floats]:
        """The values of each service at these moments."""
        if day == 0:
            return self._asked(signal, query, times_s)
        kept = self._past.get((signal, day))
        if kept is None or not kept.times_s[0] <= times_s[0] <= kept.times_s[-1] <= times_s[-1]:
            kept = _Kept(times_s, self._asked(signal, query, times_s))
        elif kept.times_s[-1] < times_s[-1]:
            missing = times_s[times_s > kept.times_s[-1]]
            kept = kept.moved(times_s, self._asked(signal, query, missing))
        self._past[signal, day] = kept
        return kept.values

    def _asked(self, signal: str, query: str, times_s: NDArray[np.float64]) -> dict[str, Floats]:
        what = f"the signal {signal}"
        found: dict[str, Floats] = {}
        seen: dict[str, frozenset[tuple[str, str]]] = {}
        for series in self._api.range(query, times_s, step_s=self._span.step_s, what=what):
            service = self._service(series, what)
            # A long range comes in several answers, each of which may bring the same series.
            labels = frozenset(series.labels.items())
            if seen.setdefault(service, labels) != labels:
                raise SourceRefused(
                    f"{what} gives several series for the service {service}: aggregate by "
                    f"({self._queries.service_label}): {query}"
                )
            values = found.setdefault(service, np.full(len(times_s), np.nan, dtype=np.float32))
            places = np.round((series.times_s - times_s[0]) / self._span.step_s).astype(np.int64)
            inside = (places >= 0) & (places < len(times_s))
            values[places[inside]] = series.values[inside]
            if len(found) > MOST_SERVICES:
                raise SourceRefused(f"{what} gives more than {MOST_SERVICES:,} services: {query}")
        return found

    def _put(self, gathering: Gathering, signal: str, day: int, values: dict[str, Floats]) -> None:
        if values:
            points = self._span.points
            cells = np.arange(day * points, (day + 1) * points)
            gathering.put(gathering.rows(values)[:, None], INDEX[signal], cells, np.stack(list(values.values())))

    def _places(self, gathering: Gathering, at_s: float) -> None:
        """Name the zones of the services that are known; the query may give others, too."""
        if not self._queries.zones:
            return
        for series in self._api.instant(self._queries.zones, at_s, what="the zones"):
            service = self._service(series, "the query of zones")
            zone = series.labels.get(self._queries.zone_label, "")
            if zone and service in gathering:
                gathering.place(service, zone)

    def _deploys(self, gathering: Gathering, at_s: float) -> None:
        if not self._queries.deployed:
            return
        for series in self._api.instant(self._queries.deployed, at_s, what="the deploys"):
            service = self._service(series, "the query of deploys")
            if service in gathering and series.values[0] <= at_s:
                gathering.deployed(service, float(series.values[0]))

    def _service(self, series: Series, what: str) -> str:
        label = self._queries.service_label
        service = series.labels.get(label, "")
        if not service:
            raise SourceRefused(f"{what} gives a series without the label {label}: aggregate by ({label})")
        if naming_fault(service):
            raise SourceRefused(f"{what}: the service {service[:40]!r} {naming_fault(service)}")
        return service


class _Kept:
    """What a day before gave at some moments."""

    def __init__(self, times_s: NDArray[np.float64], values: dict[str, Floats]) -> None:
        self.times_s = times_s
        self.values = values

    def moved(self, times_s: NDArray[np.float64], fresh: dict[str, Floats]) -> "_Kept":
        """The same for later moments, of which the last are fresh; who has nothing there is left out."""
        new = int((times_s > self.times_s[-1]).sum())
        old = len(times_s) - new
        offset = len(self.times_s) - old
        values = {}
        for service in self.values.keys() | fresh.keys():
            both = np.full(len(times_s), np.nan, dtype=np.float32)
            if service in self.values:
                both[:old] = self.values[service][offset:]
            if service in fresh:
                both[old:] = fresh[service]
            if np.isfinite(both).any():
                values[service] = both
        return _Kept(times_s, values)
