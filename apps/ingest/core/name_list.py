"""Lists of names for log lines and spans, cut after a few."""

from collections.abc import Sequence
from typing import Final

MOST_NAMES: Final = 5


def joined_names(names: Sequence[str]) -> str:
    """The first names, and how many more: `a, b, c, d, e and 3 more`."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
