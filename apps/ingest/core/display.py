"""Raw bytes as a person can read them."""

from contextlib import suppress

import msgspec

from apps.datasets.core.record.depth import is_legible
from apps.datasets.core.record.display import escaped

LONGEST = 64 * 1024


def readable(raw: bytes | memoryview | None) -> str:
    """JSON with indents, other text as it is, and what is no text in hexadecimal; cut after 64 KiB."""
    if raw is None:
        return "(none)"
    data = bytes(raw)
    cut = f"\n… {len(data) - LONGEST} bytes more" if len(data) > LONGEST else ""
    if not cut and is_legible(data):
        with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            return escaped(msgspec.json.format(data, indent=2).decode())
    try:
        text = data[:LONGEST].decode("utf-8")
    except UnicodeDecodeError:
        return "hex " + data[:LONGEST].hex(" ") + cut
    return escaped(text) + cut
