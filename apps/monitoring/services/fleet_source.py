"""The source of signals that the settings or a command name."""

from pathlib import Path

from django.conf import settings

from apps.monitoring.adapters.fleet.file_source import FileSource
from apps.monitoring.adapters.fleet.source import SignalSource
from apps.monitoring.core.errors import SourceRefused


def fleet_source(name: str = "", *, file: Path | None = None) -> SignalSource:
    """The source of this name; without one, that of ANDEN_FLEET_SOURCE.

    Raises SourceRefused: a setting that it needs is missing.
    Raises SourceInvalid: the file of queries is wrong.
    """
    span = settings.FLEET.span()
    match name or settings.FLEET.source:
        case "file":
            path = file or settings.FLEET.file
            if path is None:
                raise SourceRefused("the source `file` needs --file or ANDEN_FLEET_FILE")
            return FileSource(path, span)
        case other:
            raise SourceRefused(f"there is no source '{other}'")
