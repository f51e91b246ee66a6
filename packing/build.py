"""Builds the API's function, as a zip or as the folder that Lambda unpacks from it."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packing.api import LAMBDA, Target, collect, contents, install
from packing.archive import write_archive

MIB: Final = 1024 * 1024
ZIPPED_MIB: Final = 50
"""Largest zip for a direct upload; a larger one needs S3. Source: "Deployment package", in Lambda's quotas."""
UNZIPPED_MIB: Final = 250


@dataclass(frozen=True)
class ApiArchive:
    """A zip, its checksum and its sizes."""

    path: Path
    sha256: str
    files: int
    zipped: int
    unzipped: int

    @property
    def fits(self) -> bool:
        """Whether Lambda accepts it by direct upload."""
        return self.zipped <= ZIPPED_MIB * MIB and self.unzipped <= UNZIPPED_MIB * MIB

    def summary(self) -> str:
        """The figures, as lines of text."""
        return (
            f"{self.path}: {self.files:,} files, SHA-256 {self.sha256}\n"
            f"  zipped   {self.zipped / MIB:6.1f} MiB of {ZIPPED_MIB} for a direct upload\n"
            f"  unzipped {self.unzipped / MIB:6.1f} MiB of {UNZIPPED_MIB}"
        )


def build(path: Path, target: Target = LAMBDA) -> ApiArchive:
    """Build the API's zip for this target."""
    with _gathered(target) as files:
        write_archive(path, files, compressed=True)
        unzipped = sum(file.stat().st_size for file in files.values())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ApiArchive(path, digest, len(files), path.stat().st_size, unzipped)


def unpack_layout(folder: Path, target: Target) -> None:
    """Fill the folder with what Lambda would unpack, for this target."""
    with _gathered(target) as files:
        for name, file in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, path)


@contextmanager
def _gathered(target: Target) -> Iterator[Mapping[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="anden-function-") as scratch:
        packages, static = Path(scratch, "packages"), Path(scratch, "static")
        install(target, packages)
        collect(static)
        yield contents(packages, static)
