"""Key files that only their owner can read."""

from pathlib import Path

from apps.api.errors import ClientInvalid


def write_key_file(path: Path, key: str) -> None:
    """Write the key to a new file with mode 0600. Raises ClientInvalid: the file cannot be written."""
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(key + "\n")
    except OSError as error:
        raise ClientInvalid(f"cannot write {path}: {error.strerror}") from error
