"""A contract's rules read like a sentence."""

import pytest

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.contract.contract import OrderColumn
from apps.datasets.core.contract.descriptions import describe_checks, order_parameter


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        (FieldChecks(), ""),
        (FieldChecks(minimum=0, maximum=59), "0 to 59"),
        (FieldChecks(minimum=0), "at least 0"),
        (FieldChecks(maximum=9), "at most 9"),
        (FieldChecks(exclusive_minimum=0, exclusive_maximum=1), "more than 0; less than 1"),
        (FieldChecks(min_length=2, max_length=2, pattern="^[A-Z]+$"), "length 2; matches ^[A-Z]+$"),
        (FieldChecks(min_length=1, max_length=200), "length 1 to 200"),
        (FieldChecks(max_length=5), "length at most 5"),
        (FieldChecks(min_length=5), "length at least 5"),
        (FieldChecks(enum=("a", 1, True)), "one of a, 1, True"),
    ],
)
def test_checks_are_described_in_words(checks: FieldChecks, words: str) -> None:
    assert describe_checks(checks) == words


def test_an_order_is_formatted_in_the_apis_syntax() -> None:
    assert order_parameter((OrderColumn("delay", descending=True), OrderColumn("day"))) == "-delay,day"
