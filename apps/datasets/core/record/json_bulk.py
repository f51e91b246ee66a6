"""Decodes many JSON records at once: msgspec checks types, ranges, lengths and choices in C, the rest is checked by
column. A record that fails a check, or whose values do not show that it passes, is left to be checked individually."""

import decimal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import compress, repeat
from operator import add, length_hint
from threading import Lock
from typing import Any, Final, cast

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.column_types.number_text import TINY
from apps.datasets.core.column_types.second_fractions import may_be_long
from apps.datasets.core.contract.contract import Contract, UnknownFieldsPolicy
from apps.datasets.core.record.json_syntax import BROKEN
from apps.datasets.core.record.members import MEMBERS, QUOTE, Members, have_every_quote
from apps.datasets.core.record.quote_count import BACKSLASH, QuoteCount
from apps.datasets.core.record.record_format import BulkRows, Values
from apps.datasets.core.record.record_struct import bulk_struct
from apps.datasets.core.record.row_checks import MAX_BYTES, RowChecks
from apps.datasets.core.record.value_checks import NUL_ESCAPE, decode_hook

BLOCK: Final = 256
"""Records whose quotes are counted together: a repeated name has so many examined."""
_MANY: Final = 2**62

Decode = Callable[[bytes], Any]


class BulkDecoder:
    """Decodes chunks of JSON records of one contract."""

    def __init__(self, contract: Contract, checks: RowChecks) -> None:
        # Returns None and counts down: how many fields were absent, which a None in a row does not tell.
        self._absent = repeat(None, _MANY)
        self._lock = Lock()
        self._decode = self._decoder(contract)
        self._cut = (
            self._decoder(contract, cut=True) if any(field.type.spec.cut for field in contract.fields) else None
        )
        self._checks = checks
        self._quotes = QuoteCount(contract.fields, (*checks.raws, *checks.number_texts))
        self._blank: Values = (None,) * len(contract.fields)
        self._names = frozenset(field.name for field in contract.fields)
        self._keeps = contract.unknown_fields is UnknownFieldsPolicy.KEEP
        self._sized = self._keeps or bool(checks.raws)
        self._number_arrays = tuple(
            field.name for field in contract.fields if field.type.array and field.type.spec.python is decimal.Decimal
        )
        self._floats = tuple(
            (index, field.type.array, check.faultless)
            for index, field in enumerate(contract.fields)
            if (check := field.type.spec.text_check) and check.faultless
        )

    def decode_all(self, values: Sequence[bytes | None], tails: Iterable[Values]) -> BulkRows:
        """The values of each record followed by its tail."""
        rows: list[Values] = []
        suspects: set[int] = set()
        left = iter(tails)
        with self._lock:
            for start in range(0, len(values), BLOCK):
                made, found = self._decode_block(values[start : start + BLOCK], left)
                rows += made
                suspects.update(start + number for number in found)
        largest = max(map(len, filter(None, values)), default=0) if self._sized else 0
        suspects |= self._checks.suspects(rows, largest)
        for index, array, faultless in self._floats:
            suspects.update(_doubtful_floats(values, [row[index] for row in rows], faultless, array=array))
        for number in suspects:
            rows[number] = rows[number][len(self._checks.columns) :]
        return BulkRows(rows, sorted(suspects))

    def _decoder(self, contract: Contract, *, cut: bool = False) -> Decode:
        struct = bulk_struct(contract, self._absent.__next__, cut=cut)
        return msgspec.json.Decoder(struct, dec_hook=decode_hook).decode

    def _decode_block(
        self, block: Sequence[bytes | None], tails: Iterator[Values]
    ) -> tuple[Iterable[Values], Iterable[int]]:
        """The rows, and the indexes of the suspects."""
        values = cast("Sequence[bytes]", block)
        try:
            text = b"".join(values)
        except TypeError:
            # A tombstone: no JSON, like the empty text.
            return self._decode_block([value or b"" for value in block], tails)
        decode = self._cut if self._cut and may_be_long(text) else self._decode
        left = length_hint(self._absent)
        rows, bad, counted = self._rows(decode, values, tails)
        absent = left - length_hint(self._absent) - counted
        good = rows
        if bad:
            kept = [number not in bad for number in range(len(values))]
            good, text = list(compress(rows, kept)), b"".join(compress(values, kept))
        found = set(bad)
        if _is_special(text):
            found |= {number for number, value in enumerate(values) if _is_special(value)}
        if self._quotes.explains(text, good, absent):
            return (self._with_extra(rows, {}) if self._keeps else rows), found
        return self._examined(values, rows, found)

    def _rows(
        self, decode: Decode, values: Sequence[bytes], tails: Iterator[Values]
    ) -> tuple[list[Values], set[int], int]:
        """The rows, the indexes of the records that are not valid, and how many absent fields those have counted."""
        rows: list[Values] = []
        bad: set[int] = set()
        counted = 0
        # The iterator goes on after the record at which it raised.
        decoded = map(add, map(astuple, map(decode, values)), tails)
        while True:
            try:
                rows.extend(decoded)
            except BROKEN:
                left = length_hint(self._absent)
                with suppress(*BROKEN):
                    decode(values[len(rows)])
                counted += 2 * (left - length_hint(self._absent))
                bad.add(len(rows))
                rows.append(self._blank + next(tails))
            else:
                return rows, bad, counted

    def _examined(
        self, values: Sequence[bytes], rows: Sequence[Values], found: set[int]
    ) -> tuple[Iterable[Values], Iterable[int]]:
        """The rows, with their unknown fields if they are kept, and the indexes of the suspects.

        Examines the members of the records whose quotes their row does not explain.
        """
        members: dict[int, Members] = {}
        for number, (value, row) in enumerate(zip(values, rows, strict=True)):
            if number in found or value.count(QUOTE) == self._quotes.of_complete_row(row):
                continue
            try:
                one = MEMBERS.decode(value)
            except BROKEN:
                found.add(number)
                continue
            members[number] = one
            if any(QUOTE in bytes(one[name]) for name in self._number_arrays if name in one):
                found.add(number)
        if not have_every_quote(members.values(), b"".join([values[number] for number in members])):
            found |= {number for number, one in members.items() if not have_every_quote([one], values[number])}
        return (self._with_extra(rows, members) if self._keeps else rows), found

    def _with_extra(self, rows: Sequence[Values], members: dict[int, Members]) -> Iterator[Values]:
        """The rows with the unknown fields of these members, by the row's index."""
        width = len(self._blank)
        for number, row in enumerate(rows):
            yield (*row[:width], self._extra(members[number]) if number in members else None, *row[width:])

    def _extra(self, members: Members) -> msgspec.Raw | None:
        unknown = {name: part for name, part in members.items() if name not in self._names}
        return msgspec.Raw(msgspec.json.encode(unknown)) if unknown else None


def _is_special(text: bytes) -> bool:
    """Whether the text, of one record or several, may have U+0000, or is too large."""
    return (BACKSLASH in text and NUL_ESCAPE in text) or len(text) > MAX_BYTES


def _doubtful_floats(
    values: Sequence[bytes | None], column: Sequence[Any], faultless: tuple[float, float], *, array: bool
) -> Iterable[int]:
    """The indexes of the records whose floats may differ from the numbers in their text."""
    zero, exact = faultless
    if not array:
        sizes = [abs(value) for value in column if value is not None]
        if not sizes or (zero < min(sizes) and max(sizes) < exact):
            return
    for number, value in enumerate(column):
        items = value if array else [value]
        doubts = [item for item in items or () if item is not None and not zero < abs(item) < exact]
        if doubts and (any(doubts) or TINY.search(values[number] or b"")):
            yield number
