"""Positions as cursors carry them: what was compress_position comes back, and an address has room for it."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.records.core.position_compression import SHORT, compress_position, decompress_position
from apps.api.records.core.sealer import Sealer

KEPT: int = 2_700
"""Bytes that an index keeps of a row, compressed."""
ROOM: int = 6_000
RANDOM = random.Random(20261130)  # noqa: S311  the same texts each time


def chosen(letters: str, size: int) -> str:
    return "".join(RANDOM.choices(letters, k=size))


@given(st.lists(st.none() | st.text(), max_size=4), st.integers(1, 300))
def test_what_was_packed_comes_back(values: list[str | None], repeat: int) -> None:
    position = json.dumps(values * repeat)
    assert decompress_position(compress_position(position)) == position
    assert len(compress_position(position)) <= len(position)


@pytest.mark.parametrize(
    "value",
    [
        "a" * 240_000,
        chosen("".join(map(chr, range(1, 32))), KEPT),
        chosen("".join(map(chr, range(1, 128))), KEPT),
        chosen("".join(map(chr, range(0x4E00, 0x9FFF))), KEPT // 3),
        chosen("".join(map(chr, range(0x10000, 0x10FFF))), KEPT // 4),
        base64.b64encode(RANDOM.randbytes(KEPT)).decode(),
        "1" + "0" * 131_000,
        chosen('"\\\x01', 2 * KEPT),
    ],
    ids=["letters", "control", "ascii", "han", "astral", "bytes", "digits", "escapes"],
)
def test_the_cursor_of_any_value_in_an_index_fits_into_an_address(value: str) -> None:
    position = json.dumps([value], ensure_ascii=False)
    assert len(Sealer("secret", "cursor").seal(compress_position(position))) < ROOM


def test_a_short_position_stays_as_it_is() -> None:
    assert compress_position("[" + "a" * (SHORT - 2) + "]")[0] == "["
