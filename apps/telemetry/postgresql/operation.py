"""Whether a statement reads, writes, or does neither."""

import re
from functools import lru_cache
from typing import Final

from apps.telemetry.postgresql.grammar import Operation, operation_of_tokens
from apps.telemetry.postgresql.tokens import tokens_of

__all__ = ["OPERATIONS", "Operation", "operation_of"]

OPERATIONS: Final[tuple[Operation, ...]] = ("read", "write", "other")

_FIRST_WORD: Final = re.compile(r"\s*([a-z]++)(?![\w$])", re.IGNORECASE)
# Patterns with a literal prefix are searched as fast as plain text.
_INTO: Final = re.compile(r"into(?![\w$])")
_FOR: Final = re.compile(r"for(?![\w$])")
_WRITES: Final = frozenset({"insert", "update", "delete"})
_REMEMBERED_CHARS: Final = 8_192
"""Longer statements are not cached: five hundred of them would take megabytes."""


def operation_of(sql: str) -> Operation:
    """The operation of this statement; of a script, that of its strongest statement (write, read, other)."""
    word = _FIRST_WORD.match(sql)
    keyword = word[1].lower() if word else ""
    if keyword in _WRITES:
        return "write"
    if keyword == "select" and _only_reads(sql.lower()):
        return "read"
    return _remembered(sql) if len(sql) <= _REMEMBERED_CHARS else operation_of_tokens(tokens_of(sql))


def _only_reads(lower: str) -> bool:
    """Whether this SELECT lacks every word that could make it write: most do, and need no parsing."""
    return ";" not in lower and _INTO.search(lower) is None and (_FOR.search(lower) is None or not _may_lock(lower))


def _may_lock(lower: str) -> bool:
    return "update" in lower or "share" in lower


@lru_cache(maxsize=512)
def _remembered(sql: str) -> Operation:
    return operation_of_tokens(tokens_of(sql))
