"""Well-formed documents with control characters, and bytes that almost form a document."""

import json
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

T = TypeVar("T", bytes, str)

UNSEEN: Final = "\x7f\x85\x9b\u00ad\u200b\u202e\u2028\ufeff\U000e0001"
"""Characters that editors hide and terminals may interpret."""
TEXTS: Final = st.text(st.sampled_from(UNSEEN) | st.characters(exclude_categories=["Cs"]), max_size=12)
DOCUMENTS: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
JSON: Final = st.builds(
    lambda value, ascii_: json.dumps(value, ensure_ascii=ascii_).encode(), DOCUMENTS, st.booleans()
)


def spoiled(valid: st.SearchStrategy[T], pieces: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Valid texts, and valid texts with one part replaced by a piece."""

    @st.composite
    def with_another_piece(draw: st.DrawFn) -> T:
        text = draw(valid)
        begin = draw(st.integers(0, len(text)))
        return text[:begin] + draw(pieces) + text[draw(st.integers(begin, min(begin + 4, len(text)))) :]

    return st.one_of(valid, with_another_piece())


BYTES: Final = st.one_of(
    spoiled(JSON, st.binary(max_size=3) | st.sampled_from([b"\x9b", b"\\u0000", b"\\ud800", b'"', b"}"])),
    TEXTS.map(str.encode),
    st.binary(max_size=300),
)
"""Any bytes, mostly JSON or almost JSON."""
