"""Decodes many JSON records at once: msgspec checks types, ranges, lengths and choices in C, the rest is checked by
column. A record that fails a check, or whose values do not show that it passes, is left to be checked individually."""

import decimal
from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from operator import add, length_hint
from threading import Lock
from typing import Any, Final, cast

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.column_types.number_text import TINY
from apps.datasets.core.column_types.second_fractions import may_be_long
from apps.datasets.core.contract.contract import Contract, UnknownFieldsPolicy
from apps.datasets.core.record.members import MEMBERS, QUOTE, Members, have_every_quote
from apps.datasets.core.record.quote_count import BACKSLASH, QuoteCount
from apps.datasets.core.record.record_format import BulkRows, Values
from apps.datasets.core.record.record_struct import BROKEN, bulk_struct
from apps.datasets.core.record.row_checks import MAX_BYTES, RowChecks
from apps.datasets.core.record.value_checks import decode_hook

NUL_ESCAPE: Final = b"\\u0000"
BLOCK: Final = 64
"""Records whose quotes are counted together: a repeated name has so many examined."""
_MANY: Final = 2**62
_NOT_BYTES: Final = TypeError
"""What msgspec raises for a tombstone's value, None."""


class BulkDecoder:
    """Decodes chunks of JSON records of one contract."""

    def __init__(self, contract: Contract, checks: RowChecks) -> None:
        # Returns None and counts down: how many fields were absent, which a None in a row does not tell.
        self._absent = repeat(None, _MANY)
        self._lock = Lock()
        struct = bulk_struct(contract, self._absent.__next__)
        self._decode = msgspec.json.Decoder(struct, dec_hook=decode_hook).decode
        self._checks = checks
        self._quotes = QuoteCount(contract.fields, (*checks.raws, *checks.number_texts))
        self._blank: Values = (None,) * len(contract.fields)
        self._names = frozenset(field.name for field in contract.fields)
        self._keeps = contract.unknown_fields is UnknownFieldsPolicy.KEEP
        self._timed = any(field.type.spec.timed for field in contract.fields)
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
        with self._lock:
            for start in range(0, len(values), BLOCK):
                self._decode_block(cast("Sequence[bytes]", values[start : start + BLOCK]), rows, suspects)
        largest = max(map(len, filter(None, values)), default=0) if self._sized else 0
        suspects |= self._checks.suspects(rows, largest)
        for index, array, faultless in self._floats:
            suspects.update(_doubtful_floats(values, [row[index] for row in rows], faultless, array=array))
        rows = list(map(add, rows, tails))
        for number in suspects:
            rows[number] = ()
        return BulkRows(rows, sorted(suspects))

    def _decode_block(self, values: Sequence[bytes], rows: list[Values], suspects: set[int]) -> None:
        start = len(rows)
        left = length_hint(self._absent)
        made, bad, counted = self._structs(values)
        absent = left - length_hint(self._absent) - counted
        good, texts = made, values
        if bad:
            is_good = [number not in bad for number in range(len(values))]
            good, texts = list(compress(made, is_good)), list(compress(values, is_good))
        text = b"".join(texts)
        found = set(bad)
        if self._is_special(text):
            found |= {number for number, value in enumerate(values) if number not in bad and self._is_special(value)}
        extras: Iterable[Values] = repeat((None,))
        if not self._quotes.explains(text, good, absent):
            members = [None if number in bad else _members(value) for number, value in enumerate(values)]
            found |= self._repeating(values, members)
            extras = [(self._extra(one),) for one in members]
        rows += map(add, made, extras) if self._keeps else made
        suspects.update(start + number for number in found)

    def _structs(self, values: Sequence[bytes]) -> tuple[list[Values], set[int], int]:
        """The rows, the indexes of the records that are not valid, and how many absent fields those have counted."""
        made: list[Values] = []
        bad: set[int] = set()
        counted = 0
        # The iterator goes on after the record at which it raised.
        structs = map(astuple, map(self._decode, values))
        while True:
            try:
                made.extend(structs)
            except (*BROKEN, _NOT_BYTES):
                left = length_hint(self._absent)
                self._is_valid(values[len(made)])
                counted += 2 * (left - length_hint(self._absent))
                bad.add(len(made))
                made.append(self._blank)
            else:
                return made, bad, counted

    def _is_valid(self, value: bytes) -> bool:
        try:
            self._decode(value)
        except (*BROKEN, _NOT_BYTES):
            return False
        return True

    def _is_special(self, text: bytes) -> bool:
        """Whether the text, of one record or several, has what only the text shows, or is very large."""
        if BACKSLASH in text and NUL_ESCAPE in text:
            return True
        return len(text) > MAX_BYTES or (self._timed and may_be_long(text))

    def _repeating(self, values: Sequence[bytes], members: Sequence[Members | None]) -> set[int]:
        """The indexes of the records in which a name may occur twice, or an array of numbers has strings."""

        def may_repeat(value: bytes, one: Members | None) -> bool:
            if one is None or not have_every_quote([one], value):
                return True
            return any(QUOTE in bytes(one[name]) for name in self._number_arrays if name in one)

        pairs = zip(values, members, strict=True)
        return {number for number, (value, one) in enumerate(pairs) if may_repeat(value, one)}

    def _extra(self, members: Members | None) -> msgspec.Raw | None:
        unknown = {name: part for name, part in (members or {}).items() if name not in self._names}
        return msgspec.Raw(msgspec.json.encode(unknown)) if unknown else None


def _members(value: bytes) -> Members | None:
    try:
        return MEMBERS.decode(value)
    except BROKEN:
        return None


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
