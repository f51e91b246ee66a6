"""The values of cases/: for each folder a good set, and what of it must be accepted or refused in another's place."""

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
    """What the folder's file says of each of its variables."""
    return {name: case for name, case in _file(folder).items() if name != "together"}


def cases(folder: str) -> Cases:
    """The cases of the folder's variables, its own before those that are shared."""
    declared = {variable.name for variable in variables(FOLDERS[folder])}
    return {name: case for name, case in {**SHARED, **own(folder)}.items() if name in declared}


def good(folder: str) -> dict[str, Any]:
    """A value for each variable."""
    return {name: case["good"] for name, case in cases(folder).items()}


def accepted(folder: str) -> list[Change]:
    """Changes of the good set that are accepted; the first is none."""
    return [{}, *_changes(folder, "also", "good")]


def refused(folder: str) -> list[Change]:
    """Changes of the good set that are refused."""
    return list(_changes(folder, "bad", "bad"))


def _changes(folder: str, alone: str, together: str) -> Iterator[Change]:
    for name, case in cases(folder).items():
        yield from ({name: value} for value in case.get(alone, []))
    yield from _file(folder).get("together", {}).get(together, [])


def property_of(folder: str, variable: str) -> int | None:
    """The property that the variable's refusals show, if any."""
    number = cases(folder).get(variable, {}).get("property")
    return None if number is None else int(number)
