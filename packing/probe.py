"""Builds the probe's zip: a few of our own files, committed so that Terraform needs only the repository."""

import io
from pathlib import Path
from typing import Final

from packing.archive import write_archive

ROOT: Final = Path(__file__).resolve().parents[1]
PATH: Final = ROOT / "terraform/functions/probe.zip"
MODULES: Final = (
    "apps/__init__.py",
    "apps/api/__init__.py",
    "apps/api/probe/__init__.py",
    "apps/api/probe/checks.py",
    "apps/api/probe/http_client.py",
    "platform/functions/__init__.py",
    "platform/functions/probe.py",
    "platform/functions/secret_store.py",
)


def probe_zip(root: Path = ROOT) -> bytes:
    """The zip's bytes. Not compressed: for about 20 KB, bytes that are the same with every zlib matter more."""
    written = io.BytesIO()
    contents = {name.removeprefix("platform/"): root / name for name in MODULES}
    write_archive(written, contents, compressed=False)
    return written.getvalue()
