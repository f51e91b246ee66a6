"""Checks that a contract may put on a column's values in addition to their type."""

from dataclasses import dataclass
from typing import Final

Scalar = str | int | float | bool

NUMBERS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
}

TEXTS: Final = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
ITEMS: Final = {"minItems": "min_length", "maxItems": "max_length"}
"""The names of ODCS's logicalTypeOptions, and the attribute of FieldChecks for each."""


@dataclass(frozen=True, slots=True)
class FieldChecks:
    """Checks of a value beyond its type. Lengths are characters or items."""

    enum: tuple[Scalar, ...] = ()
    minimum: float | int | None = None
    maximum: float | int | None = None
    exclusive_minimum: float | int | None = None
    exclusive_maximum: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


NO_CHECKS: Final = FieldChecks()
