r"""A contract's pattern, matched in linear time by RE2.

A column of values costs one match: they are joined by line feeds, each followed by one, and matched in RE2's
multi-line mode, where `^` and `$` match at line ends, with `never_nl`, so that nothing in a pattern matches a line
feed. Only `$\C`, one byte at a line end, moves from one value to the next. A value that contains line feeds is matched
separately.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from apps.datasets.core.column_types.ecma_patterns import UnsupportedPattern, re2_pattern

MAX_MEM: Final = 1024 * 1024
"""Bytes that RE2 may use for one compiled pattern and its automaton."""
MAX_PROGRAM: Final = 10_000
"""Maximum instructions of a compiled pattern."""
MAX_WORK: Final = 100_000_000
"""Maximum of instructions times bytes in one match. If its automaton outgrows the memory, RE2 steps through the
instructions byte by byte, at 10 ns each: the result stays correct and takes up to a second of a core. RE2 holds the
GIL for that long, and a worker with a quarter of a core must still finish before its watchdog fires."""


class ContractPattern:
    """A pattern that may match anywhere in a value: `^` and `$` are the ends of the value."""

    def __init__(self, text: str) -> None:
        """Raises UnsupportedPattern: it cannot be checked in linear time, or is invalid."""
        inner = re2_pattern(text)
        self.text = text
        self._one = _compiled(rf"(?s:.)*?{inner}(?s:.)*", joined=False)
        self._all = _compiled(rf"(?m:(?:[^\n]*?{inner}[^\n]*$\C)*)", joined=True)
        program = max(self._one.programsize, self._all.programsize)
        if program > MAX_PROGRAM:
            rule = f"is too large: {program} instructions, the limit is {MAX_PROGRAM}"
            raise UnsupportedPattern(rule, "use + or *, and minLength or maxLength for the count")
        self.max_bytes: Final = MAX_WORK // program

    def fault(self, value: str) -> str:
        """The violated rule; empty if the pattern matches."""
        data = value.encode()
        if len(data) > self.max_bytes:
            return f"has {len(data)} bytes, the limit for its pattern is {self.max_bytes}"
        return "" if self._one.fullmatch(data) else f"does not match its pattern {self.text}"

    def fits_all(self, values: Sequence[str]) -> bool:
        """Whether all values match. As exact as matching each, at a hundredth of the cost."""
        text = "\n".join(values)
        if text.count("\n") >= len(values) > 0:
            return not any(self.fault(value) for value in values if "\n" in value) and self.fits_all(
                [value for value in values if "\n" not in value]
            )
        data = text.encode()
        if len(data) < self.max_bytes:
            return not values or self._all.fullmatch(data + b"\n") is not None
        if len(values) == 1:
            return not self.fault(values[0])
        half = len(values) // 2
        return self.fits_all(values[:half]) and self.fits_all(values[half:])


@lru_cache(maxsize=1024)
def compiled_pattern(text: str) -> ContractPattern:
    """The pattern, compiled once. Raises UnsupportedPattern."""
    return ContractPattern(text)


def _compiled(text: str, *, joined: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.never_nl = joined
    options.max_mem = MAX_MEM
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise UnsupportedPattern(f"cannot be compiled by RE2: {reason}", "simplify it") from None
