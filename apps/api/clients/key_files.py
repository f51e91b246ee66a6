"""Keys in files of their owner's."""

from pathlib import Path

from apps.api.errors import ClientRefused


def keep_key(path: Path, key: str) -> None:
    """Keep the key in a new file that its owner alone can read. Raises ClientRefused: it cannot be written."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(key + "\n")
    except OSError as error:
        raise ClientRefused(f"{path} cannot be written: {error.strerror}") from error
