r"""Why a text is not a JSON object: what is malformed, where, and in which member."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.foreign_encodings import LETTERS, foreign_encoding
from apps.datasets.core.record.nesting import member_at, why_too_deep
from apps.datasets.core.record.record_format import undecodable

BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a text that is not JSON or does not fit a type."""

SURROGATE: Final = "half of a surrogate pair, which is no character"
HELD_JSON: Final = "string that holds JSON"
HINTS: Final = {
    "array": ": send each element as a record",
    HELD_JSON: ", serialized twice",
}
_KINDS: Final = {
    **{ord(letter): "number" for letter in "-0123456789"},
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
    ord('"'): "string",
    ord("{"): "object",
    ord("["): "array",
}
"""The kind of a JSON text by its first byte."""

_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_RAW_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_BARE_WORD: Final = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?|(?<![\w.])[-+]?(NaN|nan|Infinity|infinity|Inf|inf|None|True|False|undefined)(?!\w)',
    re.DOTALL,
)
_WORDS: Final = {b"true": "true", b"false": "false"}
_OFFSET: Final = re.compile(r"\(byte (\d+)\)")
_FOREIGN: Final = {
    ord("'"): "single quotes, where JSON has double ones",
    ord("/"): "a comment, which JSON does not have",
    ord("#"): "a comment, which JSON does not have",
    ord("+"): "a plus sign, which JSON numbers do not have",
    ord("."): "a number without a digit before the point",
}
"""What other notations than JSON have, by its first byte."""


class Defect(NamedTuple):
    """A defect in the JSON of one member ("" if unknown): its place, and what it is."""

    start: int
    stop: int
    member: str
    what: str


def json_kind(text: bytes) -> str:
    """The kind of JSON value."""
    kind = _KINDS.get(ord(text.lstrip()[:1] or b"?"), "value")
    return HELD_JSON if kind == "string" and _holds_json(text) else kind


def article(kind: str) -> str:
    """The kind with its article."""
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _holds_json(text: bytes) -> bool:
    try:
        inner = msgspec.json.decode(text, type=str)
        kind = type(msgspec.json.decode(inner)) if inner.lstrip()[:1] in {"{", "["} else None
    except BROKEN:
        return False
    return kind in {dict, list}


def why_no_object(text: bytes, what: str) -> BadRecord:
    """The error about a text that is not a JSON object."""
    if not text.strip():
        return BadRecord("not_json", f"{what} is empty: {len(text)} bytes" + (" of white space" if text else ""))
    if encoding := foreign_encoding(text):
        return undecodable("JSON", f"it starts with {encoding}", what)
    if text[0] not in LETTERS:
        return undecodable("JSON", "it starts with a byte that JSON cannot start with", what)
    try:
        text.decode("utf-8")
        msgspec.json.decode(text, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        return _not_utf8(text, what, error)
    except BROKEN as error:
        deep = why_too_deep(text) if isinstance(error, RecursionError) else None
        place = "it is nested too deep" if isinstance(error, RecursionError) else _place(text, str(error))
        return deep or BadRecord("not_json", f"{what} is not valid JSON: {place}")
    kind = json_kind(text)
    rule = f"{what} is JSON but not an object: it is {article(kind)}{HINTS.get(kind, '')}"
    return why_too_deep(text) or BadRecord("not_an_object", rule)


def _not_utf8(text: bytes, what: str, error: UnicodeDecodeError) -> BadRecord:
    why = SURROGATE if _RAW_SURROGATE.match(text, error.start) else "another encoding, or bytes"
    return BadRecord("not_json", f"{what} is not UTF-8: byte {error.start} begins {why}")


def not_utf8(part: bytes) -> str:
    """Why a field's bytes are not UTF-8, worded to follow its name; "" if they are."""
    try:
        part.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"contains {SURROGATE}" if _RAW_SURROGATE.match(part, error.start) else "is not valid UTF-8"
    return ""


def defects(text: bytes) -> list[Defect]:
    """Defects that concern a value alone, in order: lone surrogates, and words that JSON does not have."""
    found = [*_lone_surrogates(text), *_bare_words(text)]
    return sorted(found)


def repaired(text: bytes, found: Sequence[Defect]) -> bytes:
    """The text without these defects, so that its other members can be read."""
    for defect in reversed(found):
        with_ = b"\\ufffd" if text[defect.start : defect.start + 1] == b"\\" else b"null"
        text = text[: defect.start] + with_ + text[defect.stop :]
    return text


def _lone_surrogates(text: bytes) -> list[Defect]:
    found: list[Defect] = []
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(text) if b"\\u" in text else ():
        unit = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= unit < 0xE000
        pairs = high is not None and is_low and high.end() == escape.start()
        if high is not None and not pairs:
            found.append(_surrogate(text, high))
        if is_low and not pairs:
            found.append(_surrogate(text, escape))
        high = escape if 0xD800 <= unit < 0xDC00 else None
    if high is not None:
        found.append(_surrogate(text, high))
    return found


def _surrogate(text: bytes, escape: re.Match[bytes]) -> Defect:
    return Defect(escape.start(), escape.end(), member_at(text, escape.start()), f"contains {SURROGATE}")


def _bare_words(text: bytes) -> list[Defect]:
    words = [word for word in _BARE_WORD.finditer(text) if word[1]]
    return [
        Defect(
            word.start(), word.end(), member_at(text, word.start()),
            f"contains {word[1].decode()}, which JSON does not have: send {_WORDS.get(word[1].lower(), 'null')}",
        )
        for word in words
    ]  # fmt: skip


def _place(text: bytes, message: str) -> str:
    """What is malformed and where, quoting none of it: `invalid character (byte 3)`."""
    if lone := _lone_surrogates(text):
        return f"a string contains {SURROGATE} (byte {lone[0].start})"
    message = message.removeprefix("JSON is malformed: ").removeprefix("Input data was ")
    place = _OFFSET.search(message)
    if place is None:
        return f"it ends in the middle, after {len(text)} bytes" if message == "truncated" else message
    is_trailing = message.startswith("trailing characters")
    # For trailing characters, msgspec counts one byte more.
    rest = text[int(place[1]) - is_trailing :].lstrip()
    if is_trailing and rest[:1] in {b"{", b"["}:
        return f"a second document follows {place[0]}: send each as a record"
    if rest and (foreign := _FOREIGN.get(rest[0])):
        return f"{foreign} {place[0]}"
    return message
