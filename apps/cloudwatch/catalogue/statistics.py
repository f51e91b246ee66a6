"""Which statistics CloudWatch knows."""

import re
from typing import Final

PLAIN: Final = frozenset({"Average", "Sum", "Minimum", "Maximum", "SampleCount"})
PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
"""p0 to p100, with up to ten decimals. Source: CloudWatch's user guide, "Statistics definitions"."""


def is_statistic(word: str) -> bool:
    """Whether CloudWatch takes the word as a statistic, of those that Andén uses: trimmed ones are left out."""
    return word in PLAIN or PERCENTILE.fullmatch(word) is not None


def percentile(word: str) -> float | None:
    """The percentile of a word like p95, as 95.0; None for any other statistic."""
    found = PERCENTILE.fullmatch(word)
    return float(found[1]) if found else None
