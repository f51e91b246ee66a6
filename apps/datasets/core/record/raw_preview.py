"""Previews of raw bytes: their kind, and a text that is safe to display."""

import unicodedata
from typing import Final, Literal, NamedTuple

import msgspec

from apps.datasets.core.record.nesting import can_be_indented

SHOWN_BYTES: Final = 64 * 1024
"""Maximum bytes of text in a preview."""
HEX_BYTES: Final = 4 * 1024
"""Maximum bytes of other data in a preview."""
_HEX_LINE: Final = 16


class RawPreview(NamedTuple):
    """The kind of the bytes, their preview, and how many are omitted."""

    kind: Literal["nothing", "JSON", "text", "bytes"]
    text: str
    omitted_bytes: int = 0


def preview_raw(raw: bytes | None) -> RawPreview:
    """The bytes indented if they are JSON, unchanged if they are text, otherwise as a hex dump."""
    if raw is None:
        return RawPreview("nothing", "")
    if json := indented_json(raw):
        return RawPreview("JSON", json)
    return _text(raw) or RawPreview("bytes", _hex_dump(raw[:HEX_BYTES]), max(0, len(raw) - HEX_BYTES))


def indented_json(raw: bytes) -> str | None:
    """The JSON indented, with names, order and digits unchanged; None if it is not JSON, or too large."""
    if len(raw) > SHOWN_BYTES or not can_be_indented(raw):
        return None
    try:
        return escaped(msgspec.json.format(raw, indent=2).decode("utf-8"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def escaped(text: str) -> str:
    """The text with JSON escapes for everything a terminal interprets or hides: controls, bidirectional marks."""
    return "".join(char if char in "\n\t" or _is_visible(char) else _escape(char) for char in text)


def _is_visible(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(char.encode("utf-16")[2:]).cast("H"))


def _text(raw: bytes) -> RawPreview | None:
    """The bytes as text; None if they are not UTF-8 or contain what a terminal interprets or hides."""
    cut = raw[:SHOWN_BYTES]
    try:
        # Only the last character may be cut.
        text = cut.decode("utf-8") if len(cut) == len(raw) else cut.decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return None
    if not all(letter in "\t\r\n" or _is_visible(letter) for letter in text):
        return None
    return RawPreview("text", text, len(raw) - len(cut))


def _hex_dump(raw: bytes) -> str:
    """Sixteen bytes per line: offset, hex digits, and printable characters."""
    lines = []
    for start in range(0, len(raw), _HEX_LINE):
        line = raw[start : start + _HEX_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        lines.append(f"{start:08x}  {line.hex(' '):<47}  {letters}")
    return "\n".join(lines)
