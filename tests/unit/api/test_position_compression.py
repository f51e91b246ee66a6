"""Compressed positions round-trip, and every cursor fits into a URL."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.records.core.position_compression import UNCOMPRESSED_MAX, compress_position, decompress_position
from apps.api.records.core.sealer import Sealer

INDEX_BYTES: int = 2_700
"""Bytes of an index entry, after compression."""
URL_BYTES: int = 6_000
RANDOM = random.Random(20261130)  # noqa: S311  reproducible texts


def random_text(letters: str, size: int) -> str:
    return "".join(RANDOM.choices(letters, k=size))


@given(st.lists(st.none() | st.text(), max_size=4), st.integers(1, 300))
def test_a_position_survives_compression(values: list[str | None], repeat: int) -> None:
    position = json.dumps(values * repeat)
    assert decompress_position(compress_position(position)) == position
    assert len(compress_position(position)) <= len(position)


@pytest.mark.parametrize(
    "value",
    [
        "a" * 240_000,
        random_text("".join(map(chr, range(1, 32))), INDEX_BYTES),
        random_text("".join(map(chr, range(1, 128))), INDEX_BYTES),
        random_text("".join(map(chr, range(0x4E00, 0x9FFF))), INDEX_BYTES // 3),
        random_text("".join(map(chr, range(0x10000, 0x10FFF))), INDEX_BYTES // 4),
        base64.b64encode(RANDOM.randbytes(INDEX_BYTES)).decode(),
        "1" + "0" * 131_000,
        random_text('"\\\x01', 2 * INDEX_BYTES),
    ],
    ids=["letters", "control", "ascii", "han", "astral", "bytes", "digits", "escapes"],
)
def test_the_cursor_of_any_value_in_an_index_fits_into_a_url(value: str) -> None:
    position = json.dumps([value], ensure_ascii=False)
    assert len(Sealer("secret", "cursor").seal(compress_position(position))) < URL_BYTES


def test_a_short_position_is_not_compressed() -> None:
    assert compress_position("[" + "a" * (UNCOMPRESSED_MAX - 2) + "]")[0] == "["
