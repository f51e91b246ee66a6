"""A file or a folder of files as a source: CSV for simplicity, NPZ for many services."""

from pathlib import Path
from typing import Final

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.observation_builder import ObservationBuilder
from apps.fleet.engine.span import ObservationSpan
from apps.fleet.errors import SourceInvalid
from apps.fleet.sources import csv_file, npz_file
from apps.telemetry.errors import MonitoringError, SourceRefused, SourceUnavailable

READERS: Final = {".csv": csv_file.read, ".npz": npz_file.read}


class FileSource:
    """Reads `path` at each evaluation; in a folder every .csv and .npz file, by name."""

    def __init__(self, path: Path, span: ObservationSpan) -> None:
        self._path = path
        self._span = span

    def observe(self, at_s: float) -> Observation:
        """The fleet according to the files.

        Raises SourceUnavailable: the file does not exist (yet).
        Raises SourceRefused: it cannot be read.
        Raises SourceInvalid: names file, line and column, or the invalid array.
        """
        builder = ObservationBuilder(self._span, at_s)
        for path in self._files():
            try:
                READERS[path.suffix](path, builder)
            except OSError as error:
                raise file_error(path, error) from error
        return builder.observation()

    def missing(self) -> str:
        """The path if it does not exist yet, else empty."""
        return "" if self._path.exists() else str(self._path)

    def _files(self) -> list[Path]:
        if not self._path.exists():
            raise SourceUnavailable(f"{self._path} does not exist: start what writes it, or fix ANDEN_FLEET_FILE")
        try:
            found = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        except OSError as error:
            raise file_error(self._path, error) from error
        files = [path for path in found if path.suffix in READERS]
        if not files and self._path.is_dir():
            raise SourceUnavailable(f"{self._path} contains no .csv or .npz file (yet)")
        if not files:
            raise SourceInvalid(f"{self._path} is not a .csv file, a .npz file, or a folder of them")
        return files


def file_error(path: Path, error: OSError) -> MonitoringError:
    """The error for a failed file operation."""
    if isinstance(error, FileNotFoundError):
        return SourceUnavailable(f"{path} disappeared while it was being read")
    return SourceRefused(f"{path} cannot be read: {error.strerror or error}")
