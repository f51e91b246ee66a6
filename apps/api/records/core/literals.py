"""Validates URL text as literals that PostgreSQL can cast to a column's type."""

from apps.datasets.core.column_types.types import ColumnType


def literal(kind: ColumnType, text: str) -> str:
    """The value as text that PostgreSQL always accepts when cast to the type.

    Raises ValueError: the message is the broken rule, without the text.
    """
    if kind.array or kind.spec.literal is None:
        raise ValueError(f"values of type {kind.sql} cannot be compared")
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("text with U+0000 or an unpaired surrogate, which cannot be stored")
    return kind.spec.literal(text)


def stored_literal(kind: ColumnType, text: str) -> str:
    """Like `literal`, for a value that PostgreSQL wrote, which may have more digits than a request may send."""
    return text if kind.spec.ordered and kind.spec.grows else literal(kind, text)
