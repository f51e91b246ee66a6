"""Raw bytes for human eyes: what they are, and a text that is safe to show."""

import unicodedata
from typing import Final, Literal, NamedTuple

import msgspec

from apps.datasets.core.record.nesting import can_be_indented

SHOWN_BYTES: Final = 64 * 1024
"""Bytes of a text that are shown."""
HEX_BYTES: Final = 4 * 1024
"""Bytes of anything else that are shown."""
_HEX_LINE: Final = 16


class RawPreview(NamedTuple):
    """What the bytes are, how they look, and how many are left out."""

    kind: Literal["nothing", "JSON", "text", "bytes"]
    text: str
    omitted_bytes: int = 0


def preview_raw(raw: bytes | None) -> RawPreview:
    """The bytes laid out when they are JSON, as they are when they are text, else as a hex dump."""
    if raw is None:
        return RawPreview("nothing", "")
    if json := indented_json(raw):
        return RawPreview("JSON", json)
    return _text(raw) or RawPreview("bytes", _hex_dump(raw[:HEX_BYTES]), max(0, len(raw) - HEX_BYTES))


def indented_json(raw: bytes) -> str | None:
    """The JSON indented, its names, order and digits as they came; None when it is not JSON, or too much."""
    if len(raw) > SHOWN_BYTES or not can_be_indented(raw):
        return None
    try:
        return escaped(msgspec.json.format(raw, indent=2).decode("utf-8"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def escaped(text: str) -> str:
    """The text with JSON's escapes in place of what a screen obeys or hides: controls, marks of direction."""
    return "".join(char if char in "\n\t" or _is_visible(char) else _escape(char) for char in text)


def _is_visible(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(char.encode("utf-16")[2:]).cast("H"))


def _text(raw: bytes) -> RawPreview | None:
    """The bytes as text; None when they are not UTF-8 or hold what a screen obeys or hides."""
    cut = raw[:SHOWN_BYTES]
    try:
        # A letter may be cut in two at the end, but nowhere else.
        text = cut.decode("utf-8") if len(cut) == len(raw) else cut.decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None
    if not all(letter in "\t\r\n" or _is_visible(letter) for letter in text):
        return None
    return RawPreview("text", text, len(raw) - len(cut))


def _hex_dump(raw: bytes) -> str:
    """Sixteen bytes a line: their place, their hex digits, and the letters among them."""
    lines = []
    for start in range(0, len(raw), _HEX_LINE):
        line = raw[start : start + _HEX_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        lines.append(f"{start:08x}  {line.hex(' '):<47}  {letters}")
    return "\n".join(lines)
