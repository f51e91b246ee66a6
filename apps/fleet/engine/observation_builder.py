"""Builds an observation: values arrive by service and signal in any order; missing ones are NaN."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.engine.span import ObservationSpan

INDEX: Final = {signal.name: index for index, signal in enumerate(SIGNALS)}
"""The index of each signal in an observation."""

MAX_NAME_LENGTH: Final = 250
"""Maximum length of a service's or zone's name, characters."""


def service_name_error(name: str) -> str:
    """Why this is not a valid service name; empty if it is."""
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"is longer than {MAX_NAME_LENGTH} characters"
    return "contains a NUL character" if "\0" in name else ""


class ObservationBuilder:
    """Collects the values of a source for one moment."""

    def __init__(self, span: ObservationSpan, at_s: float) -> None:
        self.span = span
        self.at_s = at_s
        self._rows: dict[str, int] = {}
        self._zones: dict[int, str] = {}
        self._deployed: dict[int, float] = {}
        self._cells = self._empty(64)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, service: str) -> bool:
        return service in self._rows

    def row(self, service: str) -> int:
        """The row of this service; a new name gets a new row."""
        row = self._rows.setdefault(service, len(self._rows))
        if row >= len(self._cells):
            grown = self._empty(2 * len(self._cells))
            grown[: len(self._cells)] = self._cells
            self._cells = grown
        return row

    def rows(self, services: Iterable[str]) -> NDArray[np.int64]:
        """The rows of these services, in their order."""
        return np.array([self.row(service) for service in services], dtype=np.int64)

    def put(self, rows: Any, signal: Any, cells: Any, values: Any) -> None:
        """Set values at (row, signal, cell), each a number or an array; infinities become NaN."""
        values = np.asarray(values, dtype=np.float32)
        self._cells[rows, signal, cells] = np.where(np.isfinite(values), values, np.nan)

    def set_zone(self, service: str, zone: str) -> None:
        """Set the zone of a service. A service seen in several zones has none."""
        row = self.row(service)
        self._zones[row] = zone if self._zones.get(row, zone) == zone else ""

    def set_deployed(self, service: str, at_s: float) -> None:
        """Set the time of a service's last deploy."""
        if np.isfinite(at_s):
            self._deployed[self.row(service)] = at_s

    def observation(self) -> Observation:
        """The complete observation, services sorted by name."""
        names = sorted(self._rows)
        order = [self._rows[name] for name in names]
        cells = self._cells[order].reshape(len(names), len(SIGNALS), self.span.days + 1, self.span.points)
        return Observation(
            services=tuple(names),
            zones=tuple(self._zones.get(row, "") for row in order),
            signals=SIGNALS,
            times_s=self.span.times_s(self.at_s),
            now=cells[:, :, 0],
            past=cells[:, :, 1:],
            deployed_s=np.array([self._deployed.get(row, np.nan) for row in order], dtype=np.float64),
        )

    def _empty(self, rows: int) -> Floats:
        return np.full((rows, len(SIGNALS), (self.span.days + 1) * self.span.points), np.nan, dtype=np.float32)
