"""Finds repeated names in many records at once, by their quotes.

msgspec keeps the last of two members with the same name and does not say so. Decoded records have two quotes for each
member, two for each string, and those inside raw JSON. A repeated name adds quotes to the text only, and nothing takes
any away: if the counts are equal, no name occurs twice and no field is unknown.
"""

import decimal
from collections.abc import Sequence
from typing import Final

from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.record.members import count_quotes
from apps.datasets.core.record.record_format import Values

BACKSLASH: Final = b"\\"
_ESCAPED_QUOTE: Final = b"u0022"
_UNQUOTED: Final = frozenset({int, float, bool, decimal.Decimal})


class QuoteCount:
    """Counts the quotes that the rows of a contract explain."""

    def __init__(self, fields: Sequence[ContractField], raws: Sequence[int]) -> None:
        """`raws`: indexes of the fields whose values are raw JSON; strings in numeric arrays count as unexplained."""
        scalars = [
            index for index, field in enumerate(fields)
            if not field.type.array and index not in raws and field.type.spec.python not in _UNQUOTED
        ]  # fmt: skip
        self._fields = len(fields)
        self._strings = len(scalars)
        self._optional = [index for index in scalars if not fields[index].required]
        self._texts = [index for index in scalars if fields[index].type.spec.python is str]
        self._raws = tuple(raws)
        self._arrays = [
            (index, field.type.spec.python is str) for index, field in enumerate(fields)
            if field.type.array and field.type.spec.python not in _UNQUOTED
        ]  # fmt: skip

    def explains(self, text: bytes, rows: Sequence[Values], absent: int) -> bool:
        """Whether the rows explain every quote of the text that they were decoded from.

        `absent` is at least the number of their fields that the text does not contain. May be False for records
        without repeated names: with unknown fields, or with quotes escaped in two ways.
        """
        # A third of the cost of list.count, which compares every value.
        missing = sum([len([row for row in rows if row[index] is None]) for index in self._optional])
        quotes = 2 * (len(rows) * (self._fields + self._strings) - absent - missing)
        for index in self._raws:
            quotes += count_quotes(b"".join([row[index] for row in rows if row[index] is not None]))
        for index, _ in self._arrays:
            lists = [row[index] for row in rows if row[index] is not None]
            quotes += 2 * sum(len(items) - items.count(None) for items in lists)
        found = count_quotes(text)
        if quotes != found and BACKSLASH in text and _ESCAPED_QUOTE not in text:
            quotes += self._escaped(rows)
        return quotes == found

    def of_complete_row(self, row: Values) -> int:
        """The quotes of a record with all fields and no nulls; -1 for any other, or if they depend on the values."""
        return -1 if self._raws or self._arrays or None in row else 2 * (self._fields + self._strings)

    def _escaped(self, rows: Sequence[Values]) -> int:
        """The quotes in texts, each escaped by a backslash."""
        texts = [value for index in self._texts for row in rows if (value := row[index]) is not None]
        for index, text in self._arrays:
            if text:
                texts += [item for row in rows if row[index] is not None for item in row[index] if item is not None]
        return "".join(texts).count('"')
