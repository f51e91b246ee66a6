"""A script's tokens as PostgreSQL's scanner sees them, without those that cannot affect the operation."""

import re
from collections.abc import Iterator
from typing import Final

OPAQUE: Final = '""'
"""Placeholder for a literal, a quoted name or a parameter: something, but not a keyword."""

ZERO: Final = "0"
"""The one literal that matters: it turns an option off."""

_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")
# Long lists of parameters or numbers are one token: a hundred thousand would be slow.
# A dollar sign or a prefix starts a literal only outside a word. An unterminated literal runs to the end.
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
    """Lower-case words, the marks ( ) , ; and OPAQUE or ZERO; comments, operators and white space are dropped."""
    return list(_scan(sql))


def _scan(sql: str) -> Iterator[str]:
    index = 0
    while token := _TOKEN.search(sql, index):
        index = token.end()
        match token.lastgroup:
            case "word":
                yield token[0].lower()
            case "mark":
                yield token[0]
            case "block":
                index = _end_of_block(sql, index)
            case "comment":
                pass
            case _:
                yield token[0] if token[0] == ZERO else OPAQUE


def _end_of_block(sql: str, index: int) -> int:
    """The end of the block comment open at this index: PostgreSQL nests them."""
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(sql, index)
        if edge is None:
            return len(sql)
        depth += 1 if edge[0] == "/*" else -1
        index = edge.end()
    return index
