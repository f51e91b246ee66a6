"""Converts a property of an ODCS schema to a field."""

import sys
from collections.abc import Mapping
from typing import Any

from apps.datasets.core.column_types.checks import ITEMS, NUMBERS, FieldChecks
from apps.datasets.core.column_types.ecma_patterns import UnsupportedPattern
from apps.datasets.core.column_types.patterns import compiled_pattern
from apps.datasets.core.column_types.types import ColumnType, column_type
from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.contract.identifiers import name_faults
from apps.datasets.core.errors import ContractProblem


def field_from_property(item: Mapping[str, Any], path: str) -> tuple[ContractField | None, list[ContractProblem]]:
    """The field, None if its type is unknown, and the property's problems."""
    name = item["name"]
    problems = [
        ContractProblem(f"{path}.name", f"{name!r}: {fault}", "choose another name") for fault in name_faults(name)
    ]
    if "logicalType" not in item:
        return None, [*problems, ContractProblem(f"{path}.logicalType", f"{name!r} has no logicalType", "add one")]
    try:
        kind = column_type(item["logicalType"], item.get("physicalType"))
    except ValueError as error:
        return None, [*problems, ContractProblem(f"{path}.physicalType", f"{name!r}: {error}")]
    problems += _unsupported(item, path)
    checks = _checks(item, kind, path, problems)
    field = ContractField(
        name=name,
        type=kind,
        logical=item["logicalType"],
        required=bool(item.get("required") or item.get("primaryKey") or item.get("partitioned")),
        description=str(item.get("description") or ""),
        checks=checks,
        unique=bool(item.get("unique")),
    )
    return field, problems


def _unsupported(item: Mapping[str, Any], path: str) -> list[ContractProblem]:
    problems = []
    if item.get("physicalName") not in {None, item["name"]}:
        problems.append(
            ContractProblem(f"{path}.physicalName", "a column has the same name as its property", "remove it")
        )
    for index, check in enumerate(item.get("quality") or ()):
        if check.get("type", "library") != "text":
            problems.append(
                ContractProblem(
                    f"{path}.quality[{index}]", "only quality checks of type text are kept", "use logicalTypeOptions"
                )
            )
    return problems


def _checks(item: Mapping[str, Any], kind: ColumnType, path: str, problems: list[ContractProblem]) -> FieldChecks:
    options = item.get("logicalTypeOptions") or {}
    allowed = ITEMS if kind.array else kind.spec.options
    found: dict[str, Any] = {}
    for word, value in options.items():
        where = f"{path}.logicalTypeOptions.{word}"
        attribute = allowed.get(word)
        if attribute is None:
            problems.append(ContractProblem(where, f"Andén does not check {word} on {kind.sql}", "remove it"))
        elif fault := _value_fault(word, value):
            problems.append(ContractProblem(where, f"{word} {fault[0]}", fault[1]))
        else:
            found[attribute] = value
    enum = tuple(entry.get("value") for entry in item.get("enum") or ())
    if not all(_is_of(kind, value) for value in enum):
        problems.append(ContractProblem(f"{path}.enum", f"not all values are of the type {kind.sql}"))
    return FieldChecks(enum=enum, **found)


def _is_of(kind: ColumnType, value: object) -> bool:
    low, high = kind.spec.low, kind.spec.high
    inside = not isinstance(value, int) or low is None or high is None or low <= value <= high
    return type(value) is kind.spec.python and inside


def _value_fault(word: str, value: object) -> tuple[str, str] | None:
    """The violated rule of a check's value and the remedy; None if it is valid."""
    if word == "pattern":
        return _pattern_fault(value)
    if word in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
        return None if number else ("is not a number up to 1.8e308", "")
    return None if type(value) is int and value >= 0 else ("is not a whole number from 0", "")


def _pattern_fault(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "is not a text", ""
    try:
        compiled_pattern(value)
    except UnsupportedPattern as error:
        return error.rule, error.remedy
    return None
