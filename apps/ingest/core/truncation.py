"""Parse the Kafka client's error on a log that was truncated before the requested position.

The client reports it only as text.
"""

import re
from typing import Final

_TRUNCATED: Final = "log truncation detected"
_END: Final = re.compile(r"broker end offset is (\d+)")


def is_truncation(error: str) -> bool:
    """Whether the log was truncated, rather than the offset removed by retention."""
    return _TRUNCATED in error.lower()


def truncation_end(error: str) -> int | None:
    """The end in Kafka of the log of the position's leader epoch; None if the client does not know it."""
    found = _END.search(error)
    return int(found[1]) if found else None
