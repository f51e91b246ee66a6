"""URL text is validated before PostgreSQL casts it."""

import base64
import contextlib
import datetime
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.records.core.literals import literal
from apps.datasets.core.column_types.types import TYPES, column_type
from tests.hostile import spoiled

BY_NAME = {spec.name: column_type(spec.logical[0], spec.name) for spec in TYPES}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("smallint", "32768"),
        ("integer", "1.0"),
        ("bigint", "9223372036854775808"),
        ("bigint", "٣"),
        ("bigint", "1_000"),
        ("bigint", ""),
        ("numeric", "NaN"),
        ("numeric", "Infinity"),
        ("numeric", "1e9999"),
        ("numeric", "."),
        ("numeric", "e5"),
        ("real", "1e39"),
        ("double precision", "1e999"),
        ("double precision", "nan"),
        ("boolean", "yes"),
        ("text", "a\x00b"),
        ("text", "\ud800"),
        ("uuid", "123"),
        ("bytea", "%%%"),
        ("date", "2013-02-30"),
        ("date", "2013-01-01T00:00:00"),
        ("time", "25:00"),
        ("time", "05:00+01:00"),
        ("timestamptz", "now"),
        ("timestamptz", "infinity"),
        ("timestamptz", "0001-01-01T00:00:00+14:00"),
        ("timestamp", "2013-01-01T00:00:00Z"),
        ("timestamp", "epoch"),
    ],
)
def test_text_that_a_cast_would_reject_or_alter_is_rejected(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"^(not|larger|outside|has|text)"):
        literal(BY_NAME[name], text)


@pytest.mark.parametrize("text", ["1e4000", "-1.5E-0001", "9" * 10_000, "0." + "9" * 10_000])
@pytest.mark.parametrize("name", ["numeric", "real", "double precision"])
def test_a_number_that_is_too_long_is_distinguished_from_text_that_is_not_a_number(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="at most 9,999 digits"):
        literal(BY_NAME[name], text)
    with pytest.raises(ValueError, match=r"^not a number$"):
        literal(BY_NAME[name], f"{text}x")


VALUES = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.floats().map(repr),
    st.uuids().map(str),
    st.dates().map(str),
    st.times().map(str),
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat()),
    st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode()),
    st.sampled_from(["true", "false"]),
)
PIECES = st.sampled_from(
    ["", " ", "\n", "+", "-", "_", ".", ":", "T", "Z", "0", "9", "e", "=", "\u0663", "\u2212", "\x00"]
)


@given(spoiled(VALUES, PIECES) | st.text())
def test_any_text_is_rejected_or_parsed_and_parsing_is_idempotent(text: str) -> None:
    for name in (spec.name for spec in TYPES if spec.ordered):
        with contextlib.suppress(ValueError):
            found = literal(BY_NAME[name], text)
            assert name in {"text", "varchar"} or found.isascii()
            if name != "bytea":  # written for PostgreSQL in hex
                assert literal(BY_NAME[name], found) == found


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_keeps_its_value(number: float) -> None:
    assert struct.pack("f", float(literal(BY_NAME["real"], repr(number)))) == struct.pack("f", number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_keeps_its_value(number: float) -> None:
    assert float(literal(BY_NAME["double precision"], repr(number))) == number
    assert math.isfinite(number)


@given(st.datetimes(datetime.datetime(2, 1, 1), datetime.datetime(9998, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_a_timestamp_keeps_its_value_even_if_its_plus_was_decoded_as_a_space(moment: datetime.datetime) -> None:
    text = moment.isoformat()
    if moment.utcoffset() is not None and moment.utcoffset() % datetime.timedelta(minutes=1):  # type: ignore[operator]
        return  # offsets with seconds, from before 1900, need their plus sign
    for sent in (text, text.replace("+", " ")):
        assert literal(BY_NAME["timestamptz"], sent) == moment.astimezone(datetime.UTC).isoformat()


@given(st.binary())
def test_bytes_are_base64(data: bytes) -> None:
    text = literal(BY_NAME["bytea"], base64.b64encode(data).decode().replace("+", " "))
    assert bytes.fromhex(text[2:]) == data
