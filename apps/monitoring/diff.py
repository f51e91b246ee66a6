"""Where two canonical values differ, path by path."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 100
"""Characters of a value that are shown."""


ORDER_KEY: Final = "(order)"
"""Where a list whose items have names keeps their order."""


class Absent:
    """Stands where one side has nothing."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where they differ; a side that has nothing there is ABSENT."""

    path: str
    ours: Any
    theirs: Any


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[Difference]:
    """Every place where the two differ, the deepest that can be named."""
    if ORDER_KEY in (ours if isinstance(ours, dict) else theirs if isinstance(theirs, dict) else ()):
        yield from _among_named(ours, theirs, path)
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted({*ours, *theirs}, key=str):
            yield from differences(ours.get(name, ABSENT), theirs.get(name, ABSENT), _join(path, str(name)))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(mine, other, f"{path}[{place}]")
    elif not _same(ours, theirs):
        yield Difference(path, ours, theirs)


def _among_named(ours: Any, theirs: Any, path: str) -> Iterator[Difference]:
    """Items by their names; their order counts where both have the same ones."""
    mine, other = ({} if side is ABSENT else side for side in (ours, theirs))
    if not (isinstance(mine, dict) and isinstance(other, dict)):
        yield Difference(path, ours, theirs)
        return
    names = {*mine, *other} - {ORDER_KEY}
    for name in sorted(names):
        yield from differences(mine.get(name, ABSENT), other.get(name, ABSENT), _join(path, name))
    if names == {*mine} - {ORDER_KEY} == {*other} - {ORDER_KEY} and mine[ORDER_KEY] != other[ORDER_KEY]:
        yield Difference(_join(path, ORDER_KEY), mine[ORDER_KEY], other[ORDER_KEY])


def shown(before: Any, after: Any) -> str:
    """A change as one line of JSON, before → after; of long values the part where they begin to differ."""
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
    """At most LONGEST characters from there on, with … for what is left out."""
    end = start + LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _join(path: str, name: str) -> str:
    if name.startswith("["):
        return f"{path}{name}"
    return f"{path}.{name}" if path else name


def _same(ours: Any, theirs: Any) -> bool:
    """Equal as JSON: true is not 1, but 1.0 is."""
    if isinstance(ours, bool) != isinstance(theirs, bool):
        return False
    return bool(ours == theirs)
