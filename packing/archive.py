"""Zips whose bytes follow from their contents alone: no time, owner, mask, order or folder of a machine is in them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

MOMENT: Final = (1980, 1, 1, 0, 0, 0)
UNIX: Final = 3
READABLE: Final = 0o100644 << 16


def write_archive(target: IO[bytes] | Path, contents: Mapping[str, Path | bytes], *, packed: bool) -> None:
    """Write the contents by their names, in the order of these.

    Not packed, the bytes are the same with every zlib; packed, only with one that packs alike.
    """
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type = kind
            entry.create_system = UNIX
            entry.external_attr = READABLE
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
