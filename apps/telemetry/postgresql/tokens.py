"""The words of a script as PostgreSQL's own scanner sees them, without what cannot matter to an operation."""

import re
from collections.abc import Iterator
from typing import Final

OPAQUE: Final = '""'
"""Stands for a literal, a quoted name or a parameter: something, but no word."""

ZERO: Final = "0"
"""The one literal that matters: it switches an option off."""

_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")
# Long lists of parameters or numbers are one token: nobody waits for a hundred thousand.
# A dollar sign or a prefix begins a literal only where no word is at hand. An open literal runs to the end.
_TOKEN: Final = re.compile(
    r"""
      (?P<comment>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<opaque>
          (?<![\w$]) e'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|$)
        | (?:(?<![\w$])(?:u&|[bxn]))? '[^']*(?:''[^']*)*(?:'|$)
        | (?:(?<![\w$])u&)? "[^"]*(?:""[^"]*)*(?:"|$)
        | (?<![\w$]) \$(?P<tag>[a-z_\x80-\U0010ffff]\w*|)\$.*?(?:\$(?P=tag)\$|$)
        | %\([^)]*\)[sbt] | %[sbt](?:\s*,\s*%[sbt])* | \$?\d[\w.]*(?:\s*,\s*\$?\d[\w.]*)*
      )
    | (?P<word>[a-z_\x80-\U0010ffff][\w$]*)
    | (?P<mark>[(),;])
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def tokens_of(sql: str) -> list[str]:
    """Words in lower case, the marks ( ) , ; and OPAQUE or ZERO; comments, operators and spaces leave nothing."""
    return list(_scan(sql))


def _scan(sql: str) -> Iterator[str]:
    place = 0
    while token := _TOKEN.search(sql, place):
        place = token.end()
        match token.lastgroup:
            case "word":
                yield token[0].lower()
            case "mark":
                yield token[0]
            case "block":
                place = _end_of_block(sql, place)
            case "comment":
                pass
            case _:
                yield token[0] if token[0] == ZERO else OPAQUE


def _end_of_block(sql: str, place: int) -> int:
    """Where a block comment that is open at this place ends: PostgreSQL's nest."""
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(sql, place)
        if edge is None:
            return len(sql)
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return place
