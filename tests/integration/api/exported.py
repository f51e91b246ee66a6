"""Readers of exported files: one for each format, written apart from what writes them."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final

Reader = Callable[[bytes, Collection[str]], list[dict[str, Any]]]
"""From a file to its records; of a format that has nothing but texts, the columns named hold JSON."""
CSV_CELL: Final = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))([,\n])')


def csv_records(body: bytes, values: Collection[str]) -> list[dict[str, Any]]:
    """The records of a CSV file; the csv module would not tell NULL from an empty text."""
    lines: list[list[str | None]] = [[]]
    end = 0
    text = body.decode()
    for cell in CSV_CELL.finditer(text):
        assert cell.start() == end, text[end : end + 80]
        end = cell.end()
        lines[-1].append(cell[1].replace('""', '"') if cell[1] is not None else cell[2] or None)
        if cell[3] == "\n":
            lines.append([])
    assert (end, lines.pop()) == (len(text), [])
    names = [str(name) for name in lines[0]]
    return [
        {
            name: json.loads(cell) if cell is not None and name in values else cell
            for name, cell in zip(names, line, strict=True)
        }
        for line in lines[1:]
    ]


READERS: Final[dict[str, Reader]] = {"csv": csv_records}
"""By the format's suffix: a new format needs its own."""
