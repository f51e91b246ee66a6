"""Signals as CSV: one value per line, `at,service,zone,signal,value`."""

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from apps.fleet.engine.observation_builder import INDEX, ObservationBuilder, service_name_error
from apps.fleet.errors import SourceInvalid

REQUIRED: Final = ("at", "service", "signal", "value")
OPTIONAL: Final = ("zone",)
DEPLOY: Final = "deploy"
"""A line with this signal marks a deploy at its time; its value is ignored."""
_CHUNK: Final = 100_000


class _Line(NamedTuple):
    """The fields of a line, and its number."""

    number: int
    at: str
    service: str
    zone: str
    signal: str
    value: str


class _CsvReader:
    """Reads one file into the builder, in chunks."""

    def __init__(self, path: Path, builder: ObservationBuilder) -> None:
        self._path = path
        self._builder = builder
        self._moments: dict[str, tuple[float, int]] = {}
        self._services: set[str] = set()
        self._zones: set[tuple[str, str]] = set()
        self._taken: list[tuple[int, int, int, float]] = []

    def take(self, line: _Line) -> None:
        """Add one line; lines outside all windows are validated and ignored."""
        at_s, cell = self._moments.get(line.at) or self._moment(line)
        if line.service not in self._services:
            self._check_service(line)
        if cell >= 0 and line.zone and (line.service, line.zone) not in self._zones:
            self._zones.add((line.service, line.zone))
            self._builder.set_zone(line.service, line.zone)
        if line.signal == DEPLOY:
            if at_s <= self._builder.at_s:
                self._builder.set_deployed(line.service, at_s)
            return
        if line.signal not in INDEX:
            raise self._fault(line, "signal", f"'{line.signal}' is not one of {', '.join(INDEX)}, {DEPLOY}")
        value = self._value(line)
        if cell >= 0 and not math.isnan(value):
            self._taken.append((self._builder.row(line.service), INDEX[line.signal], cell, value))
            if len(self._taken) >= _CHUNK:
                self.flush()

    def flush(self) -> None:
        """Add the pending values to the builder."""
        if self._taken:
            rows, signals, cells, values = zip(*self._taken, strict=True)
            self._builder.put(list(rows), list(signals), list(cells), list(values))
            self._taken.clear()

    def _moment(self, line: _Line) -> tuple[float, int]:
        """The time and cell of a line, cached: lines of one time come together."""
        at_s = self._seconds(line)
        cell = int(self._builder.span.cells(self._builder.at_s, np.array([at_s]))[0])
        self._moments[line.at] = at_s, cell
        return at_s, cell

    def _check_service(self, line: _Line) -> None:
        fault = service_name_error(line.service)
        if fault:
            raise self._fault(line, "service", fault)
        self._services.add(line.service)

    def _seconds(self, line: _Line) -> float:
        try:
            at_s = float(line.at)
        except ValueError:
            try:
                at = datetime.fromisoformat(line.at)
            except ValueError:
                raise self._fault(line, "at", f"'{line.at}' is neither ISO 8601 nor seconds since 1970") from None
            at_s = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        if not 0 <= at_s < 1e11:
            raise self._fault(line, "at", f"'{line.at}' is not a time after 1970 in seconds")
        return at_s

    def _value(self, line: _Line) -> float:
        if not line.value:
            return math.nan
        try:
            value = float(line.value)
        except ValueError:
            raise self._fault(line, "value", f"'{line.value}' is not a number") from None
        if value < 0:
            raise self._fault(line, "value", f"{line.value} is below zero")
        return value

    def _fault(self, line: _Line, column: str, what: str) -> SourceInvalid:
        return SourceInvalid(f"{self._path}, line {line.number}, column {column}: {what}")


def read(path: Path, builder: ObservationBuilder) -> None:
    """Add the file's values to the builder; of two values in one step the later line wins.

    An empty value is no data. The last line counts once it ends with a newline: before that it is still being written.
    Raises SourceInvalid: names file, line and column.
    """
    reading = _CsvReader(path, builder)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line in _lines(path, file):
                reading.take(line)
    except UnicodeDecodeError as error:
        raise SourceInvalid(f"{path} is not UTF-8 (at byte {error.start} of a block)") from error
    except csv.Error as error:
        raise SourceInvalid(f"{path} is not valid CSV: {error}") from error
    reading.flush()


def _lines(path: Path, file: Iterator[str]) -> Iterator[_Line]:
    """The lines after the header."""
    rows = csv.reader(line for line in file if line.endswith("\n"))
    header = [name.strip() for name in next(rows, [])]
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown or len(set(header)) != len(header):
        raise SourceInvalid(
            f"{path}, line 1: the header must be at,service,zone,signal,value (zone is optional), "
            f"not {','.join(header) or 'empty'}"
        )
    at, service, signal, value = (header.index(name) for name in REQUIRED)
    zone = header.index("zone") if "zone" in header else None
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise SourceInvalid(f"{path}, line {rows.line_num}: {len(row)} fields instead of {len(header)}")
        where = row[zone].strip() if zone is not None else ""
        yield _Line(rows.line_num, row[at], row[service].strip(), where, row[signal].strip(), row[value].strip())
