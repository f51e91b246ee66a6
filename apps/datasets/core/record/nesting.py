r"""How deep JSON is nested, told from its bytes: nothing here recurses, so no stack decides what is a good record."""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import msgspec

from apps.datasets.core.errors import BadRecord

MAX_DEPTH: Final = 500
"""Arrays and objects within one another that a value may have.

Python's json and msgspec give up before 1,000, less the frames of their caller, and so do clients in Python: half of
it leaves room for every caller. PostgreSQL takes thousands.
"""
TOO_DEEP: Final = "too_deep"

_LAID_OUT: Final = 4 * 1024 * 1024
"""About the most bytes of indents that a person's screen is given."""

# A string that nothing ends reaches to the end of the text.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_TOKEN: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS: Final = tuple((byte in b"[{") - (byte in b"]}") for byte in range(256))


def depth(text: bytes) -> int:
    """The arrays and objects within one another, 0 for a scalar; of broken JSON, what it would be if it ended well."""
    return max(accumulate(map(_STEPS.__getitem__, _brackets(text))), default=0)


def is_too_deep(text: bytes | msgspec.Raw) -> bool:
    """Whether the value is nested deeper than a record may hold. Most values are told by their size alone."""
    if len(text) <= 2 * MAX_DEPTH:
        return False
    whole = bytes(text)
    # Three times faster than to count them.
    openings = len(whole) - len(whole.replace(b"[", b"").replace(b"{", b""))
    return openings > MAX_DEPTH and depth(whole) > MAX_DEPTH


def can_be_indented(text: bytes) -> bool:
    """Whether JSON laid out in lines stays bearable: each line is indented by its depth."""
    return depth(text) * len(text) <= _LAID_OUT


def too_deep(name: str = "") -> BadRecord:
    """The error about a field, or about all of what was sent."""
    what = f"{name[:63]!r}" if name else "the JSON"
    return BadRecord(TOO_DEEP, f"{what} is nested more than {MAX_DEPTH} levels deep: flatten it", field=name[:63])


def why_too_deep(text: bytes) -> BadRecord | None:
    """The error about a text that a parser gave up for its depth, by the member at fault; None where it is broken."""
    broken = sum(map(_STEPS.__getitem__, _brackets(text))) != 0
    return too_deep(next(_deep_members(text), "")) if not broken and is_too_deep(text) else None


def _brackets(text: bytes) -> bytes:
    return _STRING.sub(b"", text).translate(None, _NO_BRACKETS)


def _deep_members(text: bytes) -> Iterator[str]:
    """The names of the members whose values are too deep; the last string at the first level is the name."""
    level, name = 0, b""
    for token in _TOKEN.finditer(text):
        step = _STEPS[token[0][0]]
        level += step
        if not step and level == 1:
            name = token[1]
        if level > MAX_DEPTH + 1:
            yield _unescaped(name)


def _unescaped(name: bytes) -> str:
    try:
        return msgspec.json.decode(b'"' + name + b'"', type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
