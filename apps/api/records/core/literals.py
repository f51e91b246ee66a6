"""From the text in an address to the text that PostgreSQL casts, by the type of the column."""

from apps.datasets.core.column_types.types import ColumnType


def literal(kind: ColumnType, text: str) -> str:
    """The value as PostgreSQL reads it without fail when cast to the type's name.

    Raises ValueError: the message is the rule that the text breaks, without the text.
    """
    if kind.array or kind.spec.literal is None:
        raise ValueError(f"values of type {kind.sql} cannot be compared")
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("text with U+0000 or half a surrogate pair, which cannot be stored")
    return kind.spec.literal(text)


def stored_literal(kind: ColumnType, text: str) -> str:
    """The same of a value that PostgreSQL wrote: it may have more digits than anybody can ask for."""
    return text if kind.spec.ordered and kind.spec.grows else literal(kind, text)
