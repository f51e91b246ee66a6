"""The values in cases/: a good set per folder, and changes that must be accepted or rejected."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.infra.terraform_files import FOLDERS, variables

_CASES: Final = Path(__file__).with_name("cases")
Cases = dict[str, dict[str, Any]]
Change = Mapping[str, Any]


@cache
def _file(name: str) -> dict[str, Any]:
    path = _CASES / f"{name}.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))) if path.is_file() else {}


SHARED: Final = _file("shared")


def own(folder: str) -> Cases:
    """The cases in the folder's own file."""
    return {name: case for name, case in _file(folder).items() if name != "together"}


def cases(folder: str) -> Cases:
    """The cases of the folder's variables; its own override shared ones."""
    declared = {variable.name for variable in variables(FOLDERS[folder])}
    return {name: case for name, case in {**SHARED, **own(folder)}.items() if name in declared}


def good(folder: str) -> dict[str, Any]:
    """A good value for each variable."""
    return {name: case["good"] for name, case in cases(folder).items()}


def accepted(folder: str) -> list[Change]:
    """Changes to the good set that are accepted; the first is empty."""
    return [{}, *_changes(folder, "also", "good")]


def rejected(folder: str) -> list[Change]:
    """Changes to the good set that are rejected."""
    return list(_changes(folder, "bad", "bad"))


def _changes(folder: str, alone: str, together: str) -> Iterator[Change]:
    for name, case in cases(folder).items():
        yield from ({name: value} for value in case.get(alone, []))
    yield from _file(folder).get("together", {}).get(together, [])


def property_of(folder: str, variable: str) -> int | None:
    """The property that rejecting bad values verifies, or None."""
    number = cases(folder).get(variable, {}).get("property")
    return None if number is None else int(number)
