"""The members of a JSON object. RFC 8259 lets a name occur twice, and parsers keep the last value: here it is an
error, because a value that was sent would be lost."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

import msgspec
import numpy as np

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.nesting import MAX_NAME, name_tokens

DUPLICATE_FIELD: Final = "duplicate_field"
QUOTE: Final = b'"'
_QUOTE_BYTE: Final = QUOTE[0]
_LONG: Final = 4_096
TWICE: Final = 2
Members = dict[str, msgspec.Raw]
"""The members' raw JSON by name."""

MEMBERS: Final = msgspec.json.Decoder(Members)


def object_members(text: bytes) -> Members:
    """The members of a JSON object.

    Raises BadRecord: a name occurs twice. Raises what msgspec does if it is not a JSON object.
    """
    members = MEMBERS.decode(text)
    if not have_every_quote([members], text):
        refuse_repeated_name(text)
    return members


def refuse_repeated_name(text: bytes) -> None:
    """Raise BadRecord if a name occurs twice in this valid JSON object, however it is escaped."""
    for name in repeated_names(text):
        raise duplicate_field(name)


def repeated_names(text: bytes) -> Iterator[str]:
    """The names that occur again in this valid JSON object, each once, however it is escaped."""
    times: Counter[str] = Counter()
    for token in name_tokens(text):
        name = msgspec.json.decode(token[0], type=str)
        times[name] += 1
        if times[name] == TWICE:
            yield name


def duplicate_field(name: str) -> BadRecord:
    """The error about a name that occurs more than once."""
    return BadRecord(DUPLICATE_FIELD, f"{name[:MAX_NAME]!r} occurs more than once", field=name[:MAX_NAME])


def have_every_quote(members: Collection[Members], text: bytes) -> bool:
    """Whether these objects have all quotes of the text they were decoded from: then no name occurs twice.

    A repeated name is two quotes that the members lack; an escaped quote in a name looks the same.
    """
    values = b"".join([value for one in members for value in one.values()])
    return 2 * sum(map(len, members)) + count_quotes(values) == count_quotes(text)


def count_quotes(text: bytes) -> int:
    """The number of quotes; for a long text at a fifth of the cost of `bytes.count`."""
    if len(text) < _LONG:
        return text.count(QUOTE)
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _QUOTE_BYTE))
