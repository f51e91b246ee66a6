r"""A contract's pattern, held against values in linear time by RE2.

A column of values costs one match: joined by line feeds, each followed by one, in RE2's mode of lines, where `^` and
`$` stand at the ends of a line, and with `never_nl`, by which nothing in a pattern matches a line feed. So only `$\C`,
one byte where a line ends, steps from a value to the next. A value that holds line feeds is matched by itself.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from apps.datasets.core.column_types.ecma_patterns import UnsupportedPattern, re2_pattern

MAX_MEM: Final = 1024 * 1024
"""Bytes that RE2 may use for one compiled pattern and its automaton."""
MAX_PROGRAM: Final = 10_000
"""Instructions of a compiled pattern."""
MAX_WORK: Final = 100_000_000
"""Instructions times bytes of one match. Where its automaton outgrows the memory, RE2 walks through the instructions
byte by byte, at 10 ns each: the match stays right and takes up to a second of a core. It holds the interpreter for so
long, and a worker with a quarter of a core must still end it before its watchdog bites."""


class ContractPattern:
    """One pattern, found anywhere in a value: `^` and `$` are the value's own ends."""

    def __init__(self, text: str) -> None:
        """Raises UnsupportedPattern: it cannot be checked in linear time, or means nothing."""
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
        """What is wrong with the value; empty when the pattern is found in it."""
        data = value.encode()
        if len(data) > self.max_bytes:
            return f"has {len(data)} bytes, and its pattern can be held against {self.max_bytes}"
        return "" if self._one.fullmatch(data) else f"does not match its pattern {self.text}"

    def fits_all(self, values: Sequence[str]) -> bool:
        """Whether no value has a fault. As good as a look at each of them, at a hundredth of the cost."""
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
        raise UnsupportedPattern(f"cannot be compiled by RE2: {reason}", "write it simpler") from None
