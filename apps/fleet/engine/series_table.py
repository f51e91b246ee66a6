"""The values of many services at the same times, in one array."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """`values` is services × times; `rows` maps each service to its row, in order."""

    times_s: NDArray[np.float64]
    rows: Mapping[str, int]
    values: Floats

    def within(self, times_s: NDArray[np.float64]) -> "SeriesTable":
        """The table restricted to these times, all of which it contains."""
        first = int(np.searchsorted(self.times_s, times_s[0]))
        return SeriesTable(times_s, self.rows, self.values[:, first : first + len(times_s)])

    def continued(self, times_s: NDArray[np.float64], fresh: "SeriesTable") -> "SeriesTable":
        """The table at these times: the last ones from `fresh`, the earlier ones from this table.

        Services without any value are dropped.
        """
        rows = {service: row for row, service in enumerate(dict.fromkeys([*self.rows, *fresh.rows]))}
        values = np.full((len(rows), len(times_s)), np.nan, dtype=np.float32)
        old = len(times_s) - len(fresh.times_s)
        values[: len(self.rows), :old] = self.within(times_s[:old]).values
        values[[rows[service] for service in fresh.rows], old:] = fresh.values
        known = np.asarray(np.isfinite(values).any(axis=1))
        if known.all():
            return SeriesTable(times_s, rows, values)
        left = [service for service, row in rows.items() if known[row]]
        return SeriesTable(times_s, {service: row for row, service in enumerate(left)}, values[known])


class SeriesTableBuilder:
    """Builds a table, one series after the other."""

    def __init__(self, times_s: NDArray[np.float64], step_s: int) -> None:
        self._times_s = times_s
        self._step_s = step_s
        self._rows: dict[str, int] = {}
        self._values: list[Floats] = []

    def put(self, service: str, times_s: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Add values of a service; times outside the table are ignored."""
        row = self._rows.setdefault(service, len(self._rows))
        if row == len(self._values):
            self._values.append(np.full(len(self._times_s), np.nan, dtype=np.float32))
        places = np.round((times_s - self._times_s[0]) / self._step_s).astype(np.int64)
        if len(places) and places[0] >= 0 and places[-1] < len(self._times_s):
            self._values[row][places] = values
        else:
            inside = (places >= 0) & (places < len(self._times_s))
            self._values[row][places[inside]] = values[inside]

    def table(self) -> SeriesTable:
        """The table with all services added so far."""
        empty = np.empty((0, len(self._times_s)), dtype=np.float32)
        return SeriesTable(self._times_s, self._rows, np.stack(self._values) if self._values else empty)
