"""Keys in files of their owner's."""

from pathlib import Path

from apps.api.errors import ClientInvalid


def write_key_file(path: Path, key: str) -> None:
    """Keep the key in a new file that its owner alone can read. Raises ClientInvalid: it cannot be written."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(key + "\n")
    except OSError as error:
        raise ClientInvalid(f"{path} cannot be written: {error.strerror}") from error
