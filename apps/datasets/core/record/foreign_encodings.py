"""Recognizes bytes that are not JSON in UTF-8 by their beginning: framing, other encodings, compression, formats."""

from collections.abc import Callable
from string import printable
from typing import Final

LETTERS: Final = frozenset(printable.encode())
COMPRESS: Final = "have the producer compress batches, not values"
BOM: Final = "the byte order mark of {}: JSON is UTF-8"

OPENINGS: Final = (
    (b"\xef\xbb\xbf", "a byte order mark, which JSON must not have"),
    (b"\xff\xfe\0\0", BOM.format("UTF-32")),
    (b"\0\0\xfe\xff", BOM.format("UTF-32")),
    (b"\xff\xfe", BOM.format("UTF-16")),
    (b"\xfe\xff", BOM.format("UTF-16")),
    (b"\x1f\x8b", f"gzip: {COMPRESS}"),
    (b"\x28\xb5\x2f\xfd", f"zstd: {COMPRESS}"),
    (b"\x04\x22\x4d\x18", f"lz4: {COMPRESS}"),
    (b"LZ4Block", f"lz4: {COMPRESS}"),
    (b"\xff\x06\0\0sNaPpY", f"snappy: {COMPRESS}"),
    (b"\x82SNAPPY\0", f"snappy: {COMPRESS}"),
    (b"\xfd7zXZ\0", f"xz: {COMPRESS}"),
    (b"BZh", f"bzip2: {COMPRESS}"),
    (b"PK\x03\x04", f"zip: {COMPRESS}"),
    (b"Obj\x01", "an Avro file header: send JSON"),
    (b"PAR1", "a Parquet file header: send JSON"),
    (b"\xac\xed\0\x05", "a serialized Java object: use a JSON serializer"),
    (b"<", "<, as XML and HTML do: send JSON"),
)
"""First bytes that only one other encoding has."""

_ZLIB: Final = tuple(b"\x78" + level for level in (b"\x01", b"\x5e", b"\x9c", b"\xda"))
_WIDE: Final = ("utf-32-be", "utf-32-le", "utf-16-be", "utf-16-le")
_HEADER: Final = slice(1, 5)
"""The schema's id, after a zero byte."""
_WIDE_HEADER: Final = slice(1, 9)
"""The id in Apicurio's older serializers."""
_JSON_OPENINGS: Final = (b"{", b"[")
_NO_REGISTRY: Final = "use a JSON serializer without schema registry"
_GLUE_CODES: Final = (b"\x03\0", b"\x03\x05")
_GLUE_BYTES: Final = 18
"""AWS Glue's header: version 3, compression 0 or 5, and the UUID of the schema's version."""
_MAX_SNAPPY_HEADER: Final = 8


def foreign_encoding(value: bytes) -> str:
    """What the bytes start with, worded to follow "it starts with"; "" if they may be JSON in UTF-8."""
    opening = next((what for opening, what in OPENINGS if value.startswith(opening)), "")
    return opening or next((what for recognize in _RECOGNIZERS if (what := recognize(value))), "")


def _framed(value: bytes) -> str:
    """A schema registry's header, with the schema's id."""
    if value[:1] != b"\0" or len(value) < _HEADER.stop or _wide(value):
        return ""
    wide_id = value[1:5] == bytes(4) and value[5:6] not in _JSON_OPENINGS and value[9:10] in _JSON_OPENINGS
    header = _WIDE_HEADER if wide_id else _HEADER
    schema = int.from_bytes(value[header], "big")
    payload = value[header.stop :]
    rest = "JSON" if payload[:1] in _JSON_OPENINGS else "Avro or Protobuf" if payload else "nothing"
    return f"a schema registry header, schema id {schema}, and {rest} follows: {_NO_REGISTRY}"


def _glue(value: bytes) -> str:
    if value[:2] not in _GLUE_CODES or len(value) <= _GLUE_BYTES:
        return ""
    return f"an AWS Glue schema registry header: {_NO_REGISTRY}"


def _wide(value: bytes) -> str:
    """UTF-16 or UTF-32 without byte order mark: JSON starts with two ASCII characters."""
    start = value[:4]
    if len(start) < len(_WIDE) or 0 not in start:
        return ""
    for codec in _WIDE:
        width = 4 if "32" in codec else 2
        units = [start[at : at + width] for at in range(0, 4, width)]
        if all(_is_ascii_unit(unit, big="be" in codec) for unit in units) and _holds_json(value, codec):
            return f"{codec[:6].upper()} without byte order mark: JSON is UTF-8"
    return ""


def _is_ascii_unit(unit: bytes, *, big: bool) -> bool:
    return unit.lstrip(b"\0") == unit[-1:] != b"\0" if big else unit.rstrip(b"\0") == unit[:1] != b"\0"


def _holds_json(value: bytes, codec: str) -> bool:
    try:
        text = value.decode(codec).strip()
    except UnicodeDecodeError:
        return False
    return text[:1] in '{["' and text[-1:] in '}]"'


def _snappy(value: bytes) -> str:
    """Snappy's raw format: the length as varint, then a literal, which is the JSON's beginning."""
    at = next((at for at, byte in enumerate(value[:_MAX_SNAPPY_HEADER]) if byte < 0x80), None)
    if at is None or len(value) < at + 3 or value[at + 1] & 3:
        return ""
    length = sum((byte & 0x7F) << 7 * index for index, byte in enumerate(value[: at + 1]))
    extra = max(0, (value[at + 1] >> 2) - 59)
    text = value[at + 2 + extra :]
    opens = text[:2] in {b'{"', b'["', b"[{"}
    return f"snappy: {COMPRESS}" if opens and len(value) <= length + at + 16 else ""


def _zlib(value: bytes) -> str:
    return f"zlib: {COMPRESS}" if value.startswith(_ZLIB) else ""


_RECOGNIZERS: Final[tuple[Callable[[bytes], str], ...]] = (_framed, _wide, _glue, _snappy, _zlib)
