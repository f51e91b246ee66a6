"""Raw bytes become a text that is safe to display and reports what it omits."""

import json
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.record.raw_preview import HEX_BYTES, SHOWN_BYTES, preview_raw
from tests.hostile import BYTES, DOCUMENTS


@given(DOCUMENTS, st.booleans())
def test_json_is_indented_and_stays_the_same_document(document: object, ascii_only: bool) -> None:
    kind, text, omitted_bytes = preview_raw(json.dumps(document, ensure_ascii=ascii_only).encode())
    assert (kind, omitted_bytes) == ("JSON", 0)
    assert json.loads(text) == document


def test_a_preview_keeps_digits_and_the_order_of_names() -> None:
    text = preview_raw(b'{"b": 1.10, "a": 123456789012345678901234567890}').text
    assert text.index('"b": 1.10') < text.index('"a": 123456789012345678901234567890')


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"a":1}', '{\n  "a": 1\n}'),
        (b'{"n":1.10,"n":12345678901234567890.12}', '{\n  "n": 1.10,\n  "n": 12345678901234567890.12\n}'),
        ('"\x9b31m\u202e\U000e0001"'.encode(), r'"\u009b31m\u202e\udb40\udc01"'),
        (b"plain \x1b[31m", "00000000  70 6c 61 69 6e 20 1b 5b 33 31 6d                 plain .[31m"),
    ],
)
def test_a_json_preview_keeps_its_content_and_no_control_characters(raw: bytes, text: str) -> None:
    assert preview_raw(raw).text == text


@given(BYTES)
def test_any_bytes_have_a_preview_and_hex_shows_every_byte(raw: bytes) -> None:
    kind, text, omitted_bytes = preview_raw(raw)
    assert omitted_bytes == 0
    assert all(char.isprintable() or category(char) == "Zs" or char in "\t\r\n" for char in text)
    if kind == "bytes":
        assert bytes.fromhex("".join(line[10:57] for line in text.splitlines())) == raw
    if kind == "text":
        assert text.encode() == raw


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (None, "nothing"),
        (b"", "text"),
        (b"plain", "text"),
        ("añejo".encode(), "text"),
        (b'{"a": NaN}', "text"),
        (b'{"a": ', "text"),
        (b"\xff\xfe", "bytes"),
        (b"a\x00b", "bytes"),
        ("a\u202eb".encode(), "bytes"),
        ("1\u00a0000 \u20ac".encode(), "text"),
        ('"\u202e"'.encode(), "JSON"),
        (b"[" * 100_000, "text"),
        (b"[" * 5_000, "text"),
    ],
)
def test_a_preview_names_the_kind_of_bytes(raw: bytes | None, kind: str) -> None:
    assert preview_raw(raw).kind == kind


def test_long_content_is_cut_and_the_rest_counted() -> None:
    assert preview_raw(b"a" * (SHOWN_BYTES + 7)).omitted_bytes == 7
    assert preview_raw(b"\xff" * (HEX_BYTES + 9)).omitted_bytes == 9
    cut_in_two = preview_raw("é".encode() * SHOWN_BYTES)
    assert cut_in_two.kind == "text"
    assert cut_in_two.omitted_bytes == SHOWN_BYTES
