"""A class of apps/ has a name that a search finds once."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

APPS: Final = Path(__file__).parents[3] / "apps"
EXCEPTED: Final = frozenset({"Command", "Meta", "Migration", "_Handler"})
"""Names that Django gives, and handlers inside of functions."""


def class_names(source: str) -> list[str]:
    """The names of all classes in the module's source, nested ones too."""
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]


def test_each_class_name_is_unique() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(APPS.rglob("*.py")):
        for name in class_names(path.read_text(encoding="utf-8")):
            if name not in EXCEPTED:
                places[name].append(str(path.relative_to(APPS)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
    assert len(places) > 300


def test_a_nested_class_counts() -> None:
    assert class_names("class A:\n    class B: ...\ndef f():\n    class C: ...") == ["A", "B", "C"]
