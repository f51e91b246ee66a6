"""Numbers as text become the bytes that psycopg makes of their Decimals."""

import decimal
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import Format
from psycopg.types.numeric import DecimalBinaryDumper

from apps.datasets.adapters.table.numeric_dumper import NumericDumper
from apps.datasets.core.column_types.packed_numeric import pack_numeric

DIGITS = st.text("0123456789", min_size=1, max_size=44)
NUMBERS = st.builds(
    lambda minus, integral, fraction: minus + (integral.lstrip("0") or "0") + ("." + fraction if fraction else ""),
    st.sampled_from(["", "-"]),
    st.one_of(DIGITS, st.integers(0, 10**9).map(str)),
    st.one_of(st.just(""), DIGITS, st.text("05", max_size=6)),
)


def by_psycopg(text: str) -> bytes:
    return bytes(DecimalBinaryDumper(decimal.Decimal).dump(decimal.Decimal(text)) or b"")


@given(NUMBERS)
def test_a_number_packs_like_its_decimal(text: str) -> None:
    assert pack_numeric(text.encode()) == by_psycopg(text)
    assert pack_numeric(f'"{text}"'.encode()) == by_psycopg(text)


@pytest.mark.parametrize(
    "text",
    ["0", "-0", "0.00", "-0.0", "9999", "10000", "99999999", "100000000", "0.0001", "0.00001", "12.50", "120000.5",
     "100000000.00000001", "0.00000000", "10000.0000", "-1.10"],
)  # fmt: skip
def test_numbers_at_the_edges_of_a_digit_pack_like_their_decimals(text: str) -> None:
    assert pack_numeric(text.encode()) == by_psycopg(text)


def test_the_dumper_takes_text_and_decimals() -> None:
    context: Any = AdaptersMap(psycopg.adapters)
    context.register_dumper(msgspec.Raw, NumericDumper)
    driver = Transformer(_Context(context))
    driver.set_dumper_types([NumericDumper.oid, NumericDumper.oid], Format.BINARY)
    values = [msgspec.Raw(b"12.50"), decimal.Decimal("1E+2"), None]
    driver.set_dumper_types([NumericDumper.oid] * 3, Format.BINARY)
    assert driver.dump_sequence(values, [PyFormat.BINARY] * 3) == [by_psycopg("12.50"), by_psycopg("100"), None]


class _Context:
    connection = None

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters
