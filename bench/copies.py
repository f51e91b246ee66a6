"""CSV files of the rows that records become, and psql's \\copy of them into the same table."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.psql import timed_psql


@dataclass(frozen=True, slots=True)
class CopyFile:
    """A CSV file without a header, its columns and its number of rows."""

    path: Path
    columns: Sequence[str]
    rows: int

    def rate(self, dataset: str) -> float:
        """Rows per second of psql's \\copy into this dataset's table."""
        names = ", ".join(self.columns)
        command = f"\\copy data.{dataset} ({names}) FROM '{self.path}' WITH (FORMAT csv)"
        return self.rows / timed_psql(command)


def copy_file(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> CopyFile:
    """Write the rows to a file."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for row in rows:
            writer.writerow([csv_cell(value) for value in row])
            count += 1
    return CopyFile(path, columns, count)


def csv_cell(value: Any) -> Any:
    """The value as \\copy reads it: null is empty, a boolean is true or false, an object is JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return value
