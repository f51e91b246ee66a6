"""Rules for names, and their quoting in SQL."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

MAX_BYTES: Final = 63
"""Maximum bytes of an identifier in UTF-8. Source: PostgreSQL's NAMEDATALEN - 1."""

TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""A valid topic name. Source: org.apache.kafka.common.internals.Topic."""

SYSTEM_COLUMNS: Final = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""System columns of every PostgreSQL table."""

FORBIDDEN: Final = {
    '"': "a double quote",
    "%": "a percent sign",
    "$": "a dollar sign",
    ",": "a comma",
    "/": "a slash",
    "[": "a bracket",
    "]": "a bracket",
}
"""Django's SQL cannot contain the first three; the rest have a meaning in the API's URLs."""


def name_faults(name: str) -> Iterator[str]:
    """The rules that a dataset's or a field's name violates, as sentences; none if it is valid."""
    if not name:
        yield "a name cannot be empty"
        return
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        yield f"the name has {size} bytes, PostgreSQL's limit is {MAX_BYTES}"
    for word in sorted({word for char, word in FORBIDDEN.items() if char in name}):
        yield f"the name contains {word}"
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        yield "the name contains a control character"
    if name != name.strip() or name != unicodedata.normalize("NFC", name):
        yield "the name starts or ends with a space, or is not in Unicode normalization form C"
    if name[0] in "-+_.":
        yield f"the name starts with {name[0]!r}, which is reserved in Andén"
    if name in SYSTEM_COLUMNS:
        yield "every PostgreSQL table has a system column of this name"


def quote_identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """The text as an SQL string constant; `E''` if it contains a backslash."""
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted
