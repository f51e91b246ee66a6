"""Parsed Terraform files: variables with their validations, outputs, module calls, conditions."""

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
"""Roots and modules by name."""

_BLOCK: Final = r"^%s\b[^\n]*\{$.*?^\}$"
"""A block whose first and last line are not indented, as `terraform fmt` writes them."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: name, type as written, description, and its validations' messages in order."""

    name: str
    type: str
    description: str
    messages: tuple[str, ...]


def unquoted(value: Any) -> Any:
    """The value without python-hcl2's quotes and expression markers."""
    if isinstance(value, dict):
        return {unquoted(key): unquoted(inner) for key, inner in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [unquoted(inner) for inner in value]
    if not isinstance(value, str):
        return value
    quoted = re.fullmatch(r'"(.*)"', value, re.DOTALL)
    return quoted[1].replace(r"\"", '"').replace(r"\\", "\\") if quoted else re.sub(r"^\$\{(.*)\}$", r"\1", value)


@cache
def parsed(path: Path) -> dict[str, Any]:
    """The file's blocks and attributes. Cached: do not modify."""
    return dict(unquoted(hcl2.loads(path.read_text(encoding="utf-8"))))


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """First label and body of each block of this kind in the folder."""
    for path in sorted(folder.glob("*.tf")):
        for block in parsed(path).get(kind, []):
            yield from block.items()


@cache
def variables(folder: Path) -> tuple[Variable, ...]:
    """The folder's variables, in file order."""
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
    """Number of preconditions and postconditions anywhere in the parsed value."""
    if isinstance(value, dict):
        own = sum(len(value.get(kind, [])) for kind in ("precondition", "postcondition"))
        return own + sum(conditions(inner) for inner in value.values())
    return sum(conditions(inner) for inner in value) if isinstance(value, list) else 0


def texts(folder: Path, kind: str) -> list[str]:
    """Source text of the blocks of this kind."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf")))
    return re.findall(_BLOCK % kind, source, re.MULTILINE | re.DOTALL)


def variables_only(folder: Path) -> str:
    """The folder's variables and the locals they use, which Terraform validates without a provider."""
    declared = (folder / "variables.tf").read_text(encoding="utf-8")
    read = set(re.findall(r"\blocal\.(\w+)", declared))
    used = [text for text in texts(folder, "locals") if read & set(re.findall(r"^  (\w+) +=", text, re.MULTILINE))]
    return "\n\n".join([declared, *used])
