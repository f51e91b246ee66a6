"""Raw bytes as a person can read them."""

from apps.datasets.core.record.display import SHOWN_BYTES, escaped, laid_out


def readable(raw: bytes | memoryview | None) -> str:
    """JSON with indents, other text as it is, and what is no text in hexadecimal; cut after 64 KiB."""
    if raw is None:
        return "(none)"
    data = bytes(raw)
    if json := laid_out(data):
        return json
    begun = data[:SHOWN_BYTES]
    cut = f"\n… {len(data) - SHOWN_BYTES} bytes more" if len(data) > SHOWN_BYTES else ""
    try:
        text = begun.decode("utf-8")
    except UnicodeDecodeError:
        return "hex " + begun.hex(" ") + cut
    return escaped(text) + cut
