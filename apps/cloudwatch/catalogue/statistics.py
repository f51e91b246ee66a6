"""The statistics that CloudWatch supports."""

import re
from typing import Final

PLAIN: Final = frozenset({"Average", "Sum", "Minimum", "Maximum", "SampleCount"})
PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
"""p0 to p100, with up to ten decimals. Source: CloudWatch's user guide, "Statistics definitions"."""


def is_statistic(word: str) -> bool:
    """Whether the word is a CloudWatch statistic that Andén supports; trimmed statistics are not."""
    return word in PLAIN or PERCENTILE.fullmatch(word) is not None


def percentile(word: str) -> float | None:
    """95.0 for p95; None for a statistic that is not a percentile."""
    found = PERCENTILE.fullmatch(word)
    return float(found[1]) if found else None
