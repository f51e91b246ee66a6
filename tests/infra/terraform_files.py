"""What Terraform's files declare: variables with their validations, outputs, calls of modules, conditions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import hcl2

from tests.infra.repository_files import ROOT

TERRAFORM: Final = ROOT / "terraform"
MODULES: Final = sorted(path for path in (TERRAFORM / "modules").iterdir() if path.is_dir())
FOLDERS: Final = {path.name: path for path in (TERRAFORM / "aws", TERRAFORM / "cluster", *MODULES)}
"""Roots and modules by their names."""

_BLOCK: Final = r"^%s\b[^\n]*\{$.*?^\}$"
"""A block whose first and last line begin at the margin, as `terraform fmt` leaves them."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: name, type as it is written, description, and what its validations say, in their order."""

    name: str
    type: str
    description: str
    messages: tuple[str, ...]


def plain(value: Any) -> Any:
    """The value without the marks that python-hcl2 leaves at strings and expressions."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, str):
        return value
    quoted = re.fullmatch(r'"(.*)"', value, re.DOTALL)
    return quoted[1].replace(r"\"", '"').replace(r"\\", "\\") if quoted else re.sub(r"^\$\{(.*)\}$", r"\1", value)


@cache
def parsed(path: Path) -> dict[str, Any]:
    """The file's blocks and attributes, read once: not to be changed."""
    return dict(plain(hcl2.loads(path.read_text(encoding="utf-8"))))


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """First label and body of each block of this kind in the folder's files."""
    for path in sorted(folder.glob("*.tf")):
        for block in parsed(path).get(kind, []):
            yield from block.items()


@cache
def variables(folder: Path) -> tuple[Variable, ...]:
    """The folder's variables, in the order in which they stand."""
    return tuple(
        Variable(
            name=name,
            type=body.get("type", ""),
            description=body.get("description", ""),
            messages=tuple(each["error_message"] for each in body.get("validation", [])),
        )
        for name, body in blocks(folder, "variable")
    )


def conditions(value: Any) -> int:
    """How many preconditions and postconditions stand anywhere in what was parsed."""
    if isinstance(value, dict):
        own = sum(len(value.get(kind, [])) for kind in ("precondition", "postcondition"))
        return own + sum(conditions(inner) for inner in value.values())
    return sum(conditions(inner) for inner in value) if isinstance(value, list) else 0


def texts(folder: Path, kind: str) -> list[str]:
    """The blocks of this kind as they are written."""
    whole = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf")))
    return re.findall(_BLOCK % kind, whole, re.MULTILINE | re.DOTALL)


def bare(folder: Path) -> str:
    """The folder's variables and the locals that they read: Terraform checks these without any provider."""
    declared = (folder / "variables.tf").read_text(encoding="utf-8")
    read = set(re.findall(r"\blocal\.(\w+)", declared))
    told = [text for text in texts(folder, "locals") if read & set(re.findall(r"^  (\w+) +=", text, re.MULTILINE))]
    return "\n\n".join([declared, *told])
