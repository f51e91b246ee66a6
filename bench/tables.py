"""`python -m bench.tables`: the committed results as rows of the table in docs/benchmarks.md."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.__main__ import RESULTS, SERVED
from bench.result import shown


def rows(folder: Path) -> Iterator[str]:
    """A row of Markdown for each result of the suites that have been run."""
    for suite in SERVED:
        path = folder / f"{suite}.json"
        for item in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
            yield row(item)


def row(item: dict[str, Any]) -> str:
    """The result's row."""
    name = item["name"][:1].upper() + item["name"][1:].replace("\\", "\\\\")
    figures = " | ".join(f"{shown(item[side])} {item['unit']}" for side in ("anden", "baseline"))
    return f"| {name} | {figures} | {item['ratio']:.2f} | ≥ {item['target']:g} |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in rows(Path(sys.argv[1]) if sys.argv[1:] else RESULTS))
