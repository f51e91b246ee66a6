"""A column of numbers as text passes only if each of them passes as a Decimal, and ordinary numbers do pass."""

import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.column_types.constraints import decimal_check
from apps.datasets.core.column_types.number_length import MAX_DIGITS, digits
from apps.datasets.core.column_types.number_text import numeric_fault
from apps.datasets.core.column_types.plain_numbers import plain_numbers

ARGS = st.sampled_from([(), (12, 2), (4, 4), (3,), (15, 5), (38, 10), (1000, 500), (1, 0)])
BOUND = st.sampled_from([None, 0, 1.5, -1, 10**30, -(10**400), 0.1, 123456789.123456, 1e22, 9007199254740993])
NUMBERS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "-"]),
        st.sampled_from(["0", "1", "9", "12", "999", "1000", "123456789", "9" * 12, "9" * 40, "00", "", "1_0"]),
        st.sampled_from(["", ".5", ".50", ".1", ".10000000000", ".123456", ".1234567", f".{'0' * 21}1", "."]),
        st.sampled_from(["", "", "", "e2", "E-2", " "]),
    ),
)
TEXTS = st.one_of(NUMBERS, NUMBERS.map(lambda text: f'"{text}"'), st.sampled_from(['"1', '1"', '"NaN"', "null"]))


@given(
    ARGS,
    st.builds(FieldChecks, minimum=BOUND, maximum=BOUND, exclusive_minimum=BOUND, exclusive_maximum=BOUND),
    st.lists(TEXTS, min_size=1, max_size=4),
)
def test_numbers_that_pass_together_pass_alone_as_decimals(
    args: tuple[int, ...], checks: FieldChecks, texts: list[str]
) -> None:
    if not plain_numbers(checks, args)([text.encode() for text in texts]):
        return
    fault = decimal_check(checks, args, "numeric").fault
    for text in texts:
        assert numeric_fault(text.encode(), "numeric") == ""
        number = decimal.Decimal(text.strip('"'))
        assert fault(number) == ""
        assert digits(number) <= MAX_DIGITS


@pytest.mark.parametrize(
    ("args", "checks", "texts"),
    [
        ((12, 2), FieldChecks(), [b"0", b"-1.5", b'"12.50"', b"9999999999.99", b"1.5000"]),
        ((), FieldChecks(), [b"0.000001", b"9" * 40, b'"-7"']),
        ((12, 2), FieldChecks(minimum=0), [b"0", b"0.00", b"9999999999.99"]),
        ((), FieldChecks(exclusive_minimum=0, maximum=1), [b"0.000001", b"1"]),
        ((4, 4), FieldChecks(), [b"0.1234", b"0"]),
        ((3,), FieldChecks(), [b"999", b"1.0"]),
    ],
)
def test_ordinary_numbers_need_no_decimal(args: tuple[int, ...], checks: FieldChecks, texts: list[bytes]) -> None:
    assert plain_numbers(checks, args)(texts)


@pytest.mark.parametrize("text", [b"0.001", b"10000000000", b"1e2", b"-0.01", b'"1', b'"1\n1"', b"01", b"100"])
def test_a_number_at_fault_or_with_an_exponent_is_left_to_the_single_check(text: bytes) -> None:
    assert not plain_numbers(FieldChecks(minimum=0, exclusive_maximum=100), (12, 2))([b"1", text])
