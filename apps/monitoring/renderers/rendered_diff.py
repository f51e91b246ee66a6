"""How committed files differ from rendered ones, told by the part that a person knows: the panel, the rule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from apps.monitoring.diff import differences, format_change

NAMES: Final = ("title", "alert", "record", "name", "uid")
"""What a part of a file is called by, the first that it has."""
PARTS: Final = ("panels", "widgets", "groups", "rules", "list")
"""The keys below which a file keeps parts that have names of their own."""


@dataclass(frozen=True, slots=True)
class RenderedDifference:
    """One part of one file that is not what the code renders; `part` is "" for the file itself."""

    path: str
    part: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {f'{self.part!r} ' if self.part else ''}{self.what}"


def compare_files(*, committed: Mapping[str, str], rendered: Mapping[str, str]) -> Iterator[RenderedDifference]:
    """Every difference between the files of a folder and the rendered ones, in the order of the paths."""
    for path in sorted(committed.keys() | rendered.keys()):
        if path not in committed:
            yield RenderedDifference(path, "", "is missing")
        elif path not in rendered:
            yield RenderedDifference(path, "", "is not rendered by anything: remove it")
        elif committed[path] != rendered[path]:
            yield from _within(path, committed[path], rendered[path])


def _within(path: str, committed: str, rendered: str) -> Iterator[RenderedDifference]:
    """The parts that differ; the file as a whole where no part does, or it cannot be read."""
    try:
        old, new = _by_name(path, committed), _by_name(path, rendered)
    except (ValueError, yaml.YAMLError):
        yield RenderedDifference(path, "", "cannot be read")
        return
    found = [part for part in dict.fromkeys((*new, *old)) if old.get(part) != new.get(part)]
    for part in found:
        yield RenderedDifference(path, part, _what(old.get(part), new.get(part)))
    if not found:
        yield RenderedDifference(path, "", "is written in another way")


def _by_name(path: str, text: str) -> dict[str, list[Any]]:
    """The parts of a file by their names; several recordings may share one."""
    value = yaml.safe_load(text) if path.endswith((".yaml", ".yml")) else json.loads(text)
    found: dict[str, list[Any]] = {}
    for name, part in _parts(value):
        found.setdefault(name, []).append(part)
    return found


def _what(was: list[Any] | None, should: list[Any] | None) -> str:
    """The first place that differs, a query before all else, as it stands in the file → as the code renders it."""
    if was is None or should is None:
        return "is missing" if was is None else "is not rendered by anything"
    # Where one part alone has the name, its number says nothing.
    alone = len(was) == len(should) == 1
    found = list(differences(was[0], should[0]) if alone else differences(was, should))
    told = next((each for each in found if each.path.endswith("expr")), found[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{told.path or 'differs'}: {format_change(told.expected, told.actual)}{more}"


def _parts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What the file holds, by the names of its parts: a part without those parts within it."""
    if isinstance(value, dict):
        yield name, {key: rest for key, rest in value.items() if key not in PARTS or not isinstance(rest, list)}
        value = [part for key in PARTS if isinstance(value.get(key), list) for part in value[key]]
    elif not isinstance(value, list):
        yield name, value
        return
    for number, part in enumerate(value, start=1):
        yield from _parts(part, _name(part) or f"{name}#{number}")


def _name(part: Any) -> str:
    """What the part is called."""
    if not isinstance(part, dict):
        return ""
    inner = part.get("properties")
    named = inner if isinstance(inner, dict) else part
    return next((str(named[key]) for key in NAMES if named.get(key)), "")
