"""Differences between two canonical values, by path."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 100
"""Maximum number of characters of a value in a message."""


ORDER_KEY: Final = "(order)"
"""The key under which a list of named items keeps their order."""


class Absent:
    """The value of a side that has none at a path."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One differing path; a side without a value there is ABSENT."""

    path: str
    expected: Any
    actual: Any


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[Difference]:
    """Every differing path, as deep as possible."""
    if ORDER_KEY in (expected if isinstance(expected, dict) else actual if isinstance(actual, dict) else ()):
        yield from _among_named(expected, actual, path)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted({*expected, *actual}, key=str):
            yield from differences(expected.get(name, ABSENT), actual.get(name, ABSENT), _join(path, str(name)))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for place, (mine, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(mine, other, f"{path}[{place}]")
    elif not _same(expected, actual):
        yield Difference(path, expected, actual)


def _among_named(expected: Any, actual: Any, path: str) -> Iterator[Difference]:
    """Items by name; order counts only if both sides have the same items."""
    mine, other = ({} if side is ABSENT else side for side in (expected, actual))
    if not (isinstance(mine, dict) and isinstance(other, dict)):
        yield Difference(path, expected, actual)
        return
    names = {*mine, *other} - {ORDER_KEY}
    for name in sorted(names):
        yield from differences(mine.get(name, ABSENT), other.get(name, ABSENT), _join(path, name))
    if names == {*mine} - {ORDER_KEY} == {*other} - {ORDER_KEY} and mine[ORDER_KEY] != other[ORDER_KEY]:
        yield Difference(_join(path, ORDER_KEY), mine[ORDER_KEY], other[ORDER_KEY])


def format_change(before: Any, after: Any) -> str:
    """A change as one line of JSON, before → after; long values are cut to where they start to differ."""
    texts = [_text(before), _text(after)]
    start = 0
    if max(map(len, texts)) > LONGEST:
        pairs = enumerate(zip(*texts, strict=False))
        same = next((place for place, (one, other) in pairs if one != other), min(map(len, texts)))
        start = max(0, same - LONGEST // 3) if same > LONGEST // 2 else 0
    return " → ".join(_window(text, start) for text in texts)


def _text(value: Any) -> str:
    if isinstance(value, Absent):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _window(text: str, start: int) -> str:
    """At most LONGEST characters from `start`, with … for each cut."""
    end = start + LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _join(path: str, name: str) -> str:
    if name.startswith("["):
        return f"{path}{name}"
    return f"{path}.{name}" if path else name


def _same(expected: Any, actual: Any) -> bool:
    """Equal as JSON: true is not 1, but 1.0 is."""
    if isinstance(expected, bool) != isinstance(actual, bool):
        return False
    return bool(expected == actual)
