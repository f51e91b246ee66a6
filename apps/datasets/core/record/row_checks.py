"""Checks of a row beyond its fields' types, for every record format."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from apps.datasets.core.column_types.number_length import (
    MAX_DIGITS,
    MAX_GROWTH,
    SPARE_BYTES,
    may_be_long,
    may_exceed,
    too_long,
    written_length,
)
from apps.datasets.core.contract.contract import EXTRA, Contract, UnknownFieldsPolicy
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.nesting import MAX_DEPTH, is_too_deep, too_deep
from apps.datasets.core.record.record_format import Values
from apps.datasets.core.record.value_checks import (
    JSON_NULL,
    OPENINGS,
    ValuesCheck,
    growing,
    is_number_text,
    nul_check,
    value_check,
    values_check,
)

MAX_BYTES: Final = 16 * 1024 * 1024
"""Maximum bytes of a record that is decoded."""

NULL: Final = msgspec.Raw(JSON_NULL)


class RowChecks:
    """The checks of a contract's rows, whose values are in the order of `columns`.

    `jsonb` values are raw JSON; after the check, a JSON null is NULL.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.columns: tuple[str, ...] = tuple(field.name for field in contract.fields)
        self.wires: tuple[str, ...] = tuple(field.type.wire for field in contract.fields)
        self.keeps = contract.unknown_fields is UnknownFieldsPolicy.KEEP
        if self.keeps:
            self.columns += (EXTRA,)
            self.wires += ("jsonb",)
        fields = tuple(enumerate(contract.fields))
        self.raws = tuple(index for index, field in fields if field.type.spec.document)
        self._checks = tuple((index, check) for index, field in fields if (check := value_check(field)))
        self._column_checks = tuple((index, fits) for index, field in fields if (fits := values_check(field)))
        self._nul_checks = tuple(nul_check(name) for name in self.columns)
        self._openings = {index: OPENINGS[contract.fields[index].logical] for index in self.raws}
        self.number_texts = tuple(index for index, field in fields if is_number_text(field))
        self._json_nulls = tuple((index, contract.fields[index].required) for index in self.raws + self.number_texts)
        if self.keeps:
            self._openings[len(fields)] = OPENINGS["object"]
        self.growing = (*growing(contract.fields), *((len(contract.fields),) if self.keeps else ()))
        skipped = {*self._openings, *self.number_texts}
        self.number_arrays = tuple(index for index in self.growing if index not in skipped)

    def typed(self, row: Values, record_bytes: int) -> Values:
        """The row of a record of this size, without JSON nulls.

        Raises BadRecord: it violates a field's rule, or the record is too large.
        """
        if self.raws:
            row = self._without_json_null(row)
            self._refuse_depth(row)
        for index, check in self._checks:
            if row[index] is not None:
                check(row[index])
        if record_bytes > MAX_BYTES:
            raise BadRecord("too_large", f"the record has {record_bytes} bytes, the limit is {MAX_BYTES}")
        return row

    def refuse_growth(self, row: Values, record_bytes: int) -> None:
        """Reject numbers that PostgreSQL would print with far more digits than were sent."""
        if not any(may_be_long(row[index], record_bytes) for index in self.growing):
            return
        lengths = {self.columns[index]: written_length(row[index]) for index in self.growing}
        for name, length in lengths.items():
            if length.longest > MAX_DIGITS:
                raise BadRecord("out_of_range", f"{name!r} {too_long('a number')}", field=name)
        total, most = sum(length.total for length in lengths.values()), SPARE_BYTES + MAX_GROWTH * record_bytes
        if total > most:
            name = max(lengths, key=lambda name: lengths[name].total)
            rule = f"{name!r} contains numbers that print {lengths[name].total} digits"
            raise BadRecord("out_of_range", f"{rule}, the limit for a record of this size is {most}", field=name)

    def refuse_nul(self, row: Values) -> None:
        """Reject U+0000 in any value."""
        for value, check in zip(row, self._nul_checks, strict=True):
            if value is not None:
                check(value)

    def suspects(self, rows: list[Values], record_bytes: int) -> set[int]:
        """The indexes of the rows that must be checked individually; replaces JSON nulls by None.

        The rows are as bulk decoding leaves them: `numeric` is JSON text. `record_bytes` is the size of the largest
        record. Does not search for U+0000.
        """
        found: set[int] = set()
        for index, required in self._json_nulls:
            found |= _replace_json_null(rows, index, required=required)
        for index, opening in self._openings.items():
            found |= _misfits(index, partial(_documents_fit, opening, record_bytes), rows)
        for index, check in self._column_checks:
            found |= _misfits(index, check, rows)
        for index in self.number_arrays:
            found |= {number for number, row in enumerate(rows) if row[index] and may_be_long(row[index], 0)}
        return found

    def _without_json_null(self, row: Values) -> Values:
        values = tuple(
            None if index in self.raws and value is not None and bytes(value) == JSON_NULL else value
            for index, value in enumerate(row)
        )
        for index in self.raws:
            field = self.contract.fields[index]
            if values[index] is None and field.required:
                raise BadRecord("missing_field", f"{field.name!r} is required but null", field=field.name)
        return values

    def _refuse_depth(self, row: Values) -> None:
        for index in self.raws:
            if row[index] is not None and is_too_deep(row[index]):
                raise too_deep(self.columns[index])


def _replace_json_null(rows: list[Values], index: int, *, required: bool) -> set[int]:
    """Replace JSON null by None; return the indexes of the rows where that is not allowed."""
    found = {number for number, row in enumerate(rows) if row[index] == NULL}
    for number in found:
        row = rows[number]
        rows[number] = (*row[:index], None, *row[index + 1 :])
    return found if required else set()


def _documents_fit(opening: int, record_bytes: int, documents: Sequence[msgspec.Raw]) -> bool:
    """Whether these documents have the shape, and their depth and numbers are within the limits."""
    if {memoryview(document)[0] for document in documents} != {opening}:
        return False
    if record_bytes > 2 * MAX_DEPTH and any(map(is_too_deep, documents)):
        return False
    return not may_exceed(b"".join(documents), record_bytes)


def _misfits(index: int, fits: ValuesCheck, rows: Sequence[Values]) -> set[int]:
    """The indexes of the rows whose value in this column does not fit: the column is halved until they are found."""
    values = [value for row in rows if (value := row[index]) is not None]
    if not values or fits(values):
        return set()
    present = [number for number, row in enumerate(rows) if row[index] is not None]
    return _at_fault(fits, present, values)


def _at_fault(fits: ValuesCheck, numbers: Sequence[int], values: Sequence[Any]) -> set[int]:
    """The numbers of the values that do not fit, at least one."""
    if len(values) == 1:
        return {numbers[0]}
    half = len(values) // 2
    halves = ((numbers[:half], values[:half]), (numbers[half:], values[half:]))
    return {number for part in halves if not fits(part[1]) for number in _at_fault(fits, *part)}
