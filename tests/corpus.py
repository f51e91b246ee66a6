"""The SQL statements with a known operation, from tests/unit/telemetry/statements.yaml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from apps.telemetry.postgresql.operation import Operation

FILE: Final = Path(__file__).parent / "unit/telemetry/statements.yaml"
BEYOND_THE_TEXT: Final = "what only the function knows"


@dataclass(frozen=True)
class Statement:
    """A statement, its real operation, and its group in the file."""

    group: str
    operation: Operation
    sql: str


_DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SCHEMA: Final[str] = _DOCUMENT["schema"]
BEFORE: Final[str] = _DOCUMENT["before"]
STATEMENTS: Final = tuple(
    Statement(group, operation, sql)
    for group, entries in _DOCUMENT["statements"].items()
    for entry in entries
    for operation, sql in entry.items()
)
