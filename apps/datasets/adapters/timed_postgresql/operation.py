"""Whether a statement reads, writes, or does neither."""

import re
from functools import lru_cache
from typing import Final, Literal

Operation = Literal["read", "write", "other"]

OPERATIONS: Final[tuple[Operation, ...]] = ("read", "write", "other")

_BY_KEYWORD: Final[dict[str, Operation]] = {
    "select": "read",
    "values": "read",
    "table": "read",
    "fetch": "read",
    "insert": "write",
    "update": "write",
    "delete": "write",
    "merge": "write",
    "truncate": "write",
}

_FIRST_WORD: Final = re.compile(r"[\s(;]*([a-z]+)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"[\s(;]*(?:--[^\n]*(?:\n|$)|/\*)")
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")
# What may hold any words at all: literals, quoted names, comments. Blanked before a word is looked for.
_OPAQUE: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | \$(?P<tag>[a-z_]\w*|)\$.*?\$(?P=tag)\$
    | --[^\n]* | /\*.*?\*/
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_NESTED: Final = re.compile(r"\([^()]*\)")
_COPY_QUERY: Final = re.compile(r"[\s(;]*copy\s*\(", re.IGNORECASE)
_DIRECTION: Final = re.compile(r"\b(from|to)\b", re.IGNORECASE)
# A writing part of WITH opens the body of a common table expression, or follows the last of them.
_WRITING_PART: Final = re.compile(
    r"[()]\s*(?:insert\s+into|delete\s+from|merge\s+into|update\s+(?:only\s+)?[\w_\"])", re.IGNORECASE
)


def operation_of(sql: str) -> Operation:
    """The operation of this statement, by its first keyword; of a script, by its first statement."""
    word = _FIRST_WORD.match(sql)
    if word is None:
        rest = _without_leading_comment(sql)
        return "other" if rest is None else operation_of(rest)
    keyword = word[1].lower()
    if keyword == "with":
        return _of_with(sql)
    if keyword == "copy":
        return _of_copy(sql)
    return _BY_KEYWORD.get(keyword, "other")


def _without_leading_comment(sql: str) -> str | None:
    """What follows the first comment; None when the text does not begin with a whole one."""
    comment = _COMMENT.match(sql)
    if comment is None:
        return None
    if not comment[0].endswith("/*"):
        return sql[comment.end() :]
    depth, end = 1, comment.end()
    while depth:  # PostgreSQL's block comments nest
        edge = _BLOCK_EDGE.search(sql, end)
        if edge is None:
            return None
        depth += 1 if edge[0] == "/*" else -1
        end = edge.end()
    return sql[end:]


@lru_cache(maxsize=512)
def _of_with(sql: str) -> Operation:
    """The operation of WITH …: write as soon as one part writes."""
    return "write" if _WRITING_PART.search(_OPAQUE.sub('""', sql)) else "read"


@lru_cache(maxsize=512)
def _of_copy(sql: str) -> Operation:
    """The operation of COPY: FROM writes, TO reads, and of a query what the query does."""
    query = _COPY_QUERY.match(sql)
    if query is not None:
        return operation_of(sql[query.end() :])
    flat, found = _OPAQUE.sub('""', sql), 1
    while found:
        flat, found = _NESTED.subn(" ", flat)
    direction = _DIRECTION.search(flat)
    if direction is None:
        return "other"
    return "write" if direction[1].lower() == "from" else "read"
