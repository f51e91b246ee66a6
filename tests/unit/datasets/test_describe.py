"""A contract's rules read like a sentence."""

import pytest

from apps.datasets.core.column_types.checks import Checks
from apps.datasets.core.contract.contract import OrderColumn
from apps.datasets.core.contract.describe import checks_in_words, order_in_words


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        (Checks(), ""),
        (Checks(minimum=0, maximum=59), "0 to 59"),
        (Checks(minimum=0), "at least 0"),
        (Checks(maximum=9), "at most 9"),
        (Checks(exclusive_minimum=0, exclusive_maximum=1), "more than 0; less than 1"),
        (Checks(min_length=2, max_length=2, pattern="^[A-Z]+$"), "length 2; matches ^[A-Z]+$"),
        (Checks(min_length=1, max_length=200), "length 1 to 200"),
        (Checks(max_length=5), "length at most 5"),
        (Checks(min_length=5), "length at least 5"),
        (Checks(enum=("a", 1, True)), "one of a, 1, True"),
    ],
)
def test_checks_are_told_in_words(checks: Checks, words: str) -> None:
    assert checks_in_words(checks) == words


def test_an_order_is_written_as_the_api_takes_it() -> None:
    assert order_in_words((OrderColumn("delay", descending=True), OrderColumn("day"))) == "-delay,day"
