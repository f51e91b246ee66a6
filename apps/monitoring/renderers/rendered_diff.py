"""Differences between committed and rendered files, by panel or rule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from apps.monitoring.diff import differences, format_change

NAMES: Final = ("title", "alert", "record", "name", "uid")
"""The keys that name a part of a file; the first present wins."""
PARTS: Final = ("panels", "widgets", "groups", "rules", "list")
"""The keys under which a file keeps named parts."""


@dataclass(frozen=True, slots=True)
class RenderedDifference:
    """A part of a file that differs from the rendered one; `part` is "" for the file itself."""

    path: str
    part: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {f'{self.part!r} ' if self.part else ''}{self.message}"


def compare_files(*, committed: Mapping[str, str], rendered: Mapping[str, str]) -> Iterator[RenderedDifference]:
    """Every difference between committed and rendered files, by path."""
    for path in sorted(committed.keys() | rendered.keys()):
        if path not in committed:
            yield RenderedDifference(path, "", "is missing")
        elif path not in rendered:
            yield RenderedDifference(path, "", "is not rendered any more: delete it")
        elif committed[path] != rendered[path]:
            yield from _within(path, committed[path], rendered[path])


def _within(path: str, committed: str, rendered: str) -> Iterator[RenderedDifference]:
    """The parts that differ; the file itself if none does or it cannot be parsed."""
    try:
        old, new = _by_name(path, committed), _by_name(path, rendered)
    except (ValueError, yaml.YAMLError):
        yield RenderedDifference(path, "", "cannot be parsed")
        return
    found = [part for part in dict.fromkeys((*new, *old)) if old.get(part) != new.get(part)]
    for part in found:
        yield RenderedDifference(path, part, _describe(old.get(part), new.get(part)))
    if not found:
        yield RenderedDifference(path, "", "differs only in formatting")


def _by_name(path: str, text: str) -> dict[str, list[Any]]:
    """The parts of a file by name; recording rules may share one."""
    value = yaml.safe_load(text) if path.endswith((".yaml", ".yml")) else json.loads(text)
    found: dict[str, list[Any]] = {}
    for name, part in _parts(value):
        found.setdefault(name, []).append(part)
    return found


def _describe(committed: list[Any] | None, rendered: list[Any] | None) -> str:
    """The first difference, queries before anything else: committed → rendered."""
    if committed is None or rendered is None:
        return "is missing" if committed is None else "is not rendered any more"
    # If only one part has the name, omit its index.
    alone = len(committed) == len(rendered) == 1
    found = list(differences(committed[0], rendered[0]) if alone else differences(committed, rendered))
    first = next((each for each in found if each.path.endswith("expr")), found[0])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{first.path or 'differs'}: {format_change(first.expected, first.actual)}{more}"


def _parts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The named parts of a file, each without its nested parts."""
    if isinstance(value, dict):
        yield name, {key: rest for key, rest in value.items() if key not in PARTS or not isinstance(rest, list)}
        value = [part for key in PARTS if isinstance(value.get(key), list) for part in value[key]]
    elif not isinstance(value, list):
        yield name, value
        return
    for number, part in enumerate(value, start=1):
        yield from _parts(part, _name(part) or f"{name}#{number}")


def _name(part: Any) -> str:
    if not isinstance(part, dict):
        return ""
    inner = part.get("properties")
    named = inner if isinstance(inner, dict) else part
    return next((str(named[key]) for key in NAMES if named.get(key)), "")
