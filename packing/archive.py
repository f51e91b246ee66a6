"""Reproducible zips: no time, owner, mode, order or path of the machine affects their bytes."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

MOMENT: Final = (1980, 1, 1, 0, 0, 0)
UNIX: Final = 3
READABLE: Final = 0o100644 << 16


def write_archive(target: IO[bytes] | Path, contents: Mapping[str, Path | bytes], *, compressed: bool) -> None:
    """Write the contents, sorted by name.

    Without compression the bytes are the same with every zlib; compressed, only with the same zlib.
    """
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = kind
            entry.create_system = UNIX
            entry.external_attr = READABLE
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
