"""Readers of exported files, one per format, independent of the code that writes them."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final

Reader = Callable[[bytes, Collection[str]], list[dict[str, Any]]]
"""Parses a file into records. In a text-only format, the named columns contain JSON."""
CSV_CELL: Final = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))([,\n])')


def csv_records(body: bytes, values: Collection[str]) -> list[dict[str, Any]]:
    """The records of a CSV file. The csv module cannot distinguish NULL from empty text."""
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
"""By suffix. Every format needs one."""
