"""What Kafka's client says when the log was cut before the position that it was given.

There is no field for it: the text is all that a program gets.
"""

import re
from typing import Final

_CUT: Final = "log truncation detected"
_END: Final = re.compile(r"broker end offset is (\d+)")


def is_truncation(said: str) -> bool:
    """Whether the client speaks of a cut log, and not of an offset that retention took."""
    return _CUT in said.lower()


def truncation_end(said: str) -> int | None:
    """Where the log of the position's leader epoch ends in Kafka; None where the client does not know."""
    found = _END.search(said)
    return int(found[1]) if found else None
