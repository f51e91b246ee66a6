"""Writes a simulated fleet to files for the file source, as time passes, including its past."""

import fcntl
import os
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.fleet.simulation import FaultKind, SimulatedFleet
from apps.fleet.sources import npz_file
from apps.telemetry.errors import SourceRefused

_HOUR_S: Final = 3600


class SimulatedFleetWriter:
    """Writes a folder with one file per hour: the current hours, and the same hours of earlier days.

    The simulation is a function of time, so the past is written when it is first needed, and a fleet of thousands
    starts as fast as one of fifty.
    """

    def __init__(self, fleet: SimulatedFleet, folder: Path, span: ObservationSpan) -> None:
        self._fleet = fleet
        self._folder = folder
        self._span = span
        self._complete: set[int] = set()

    def start(self, at_s: float) -> None:
        """Create the folder as of this time, and remove what an earlier simulation left there.

        Readers find either no folder or a complete one: without its past the fleet would look different.
        Raises SourceRefused: the folder cannot be written, contains other files, or another simulation is writing it.
        """
        folder = self._folder
        self._folder = folder.with_name(f"{folder.name}.new")
        try:
            for path in (folder, self._folder):
                _remove(path)
            self._folder.mkdir(parents=True)
            # The lock survives renaming the folder, and ends with this object or its process.
            weakref.finalize(self, os.close, _lock_folder(self._folder))
            self._write(at_s)
            self._folder.rename(folder)
        except OSError as error:
            raise SourceRefused(f"{folder} cannot be written: {error.strerror or error}") from error
        self._folder = folder

    def write(self, at_s: float) -> int:
        """Bring the files up to date; returns how many were written.

        Raises SourceRefused: the folder can no longer be written.
        """
        try:
            return self._write(at_s)
        except OSError as error:
            raise SourceRefused(f"{self._folder} cannot be written: {error.strerror or error}") from error

    def _write(self, at_s: float) -> int:
        written = 0
        for day, times_s in self._span.windows(at_s):
            last_s = times_s[-1] if day == 0 else times_s[-1] + _HOUR_S  # write an hour of the past in advance
            for hour in range(_hour(times_s[0]), _hour(last_s) + 1):
                written += self._write_hour(hour, until_s=at_s)
        self._drop_before(at_s - (self._span.days + 1) * DAY_S)
        return written

    def _write_hour(self, hour: int, *, until_s: float) -> bool:
        """Whether the hour's file was written. A complete file is never written again."""
        if hour in self._complete:
            return False
        step_s = self._span.step_s
        ends_s = np.arange(hour * _HOUR_S + step_s, (hour + 1) * _HOUR_S + 1, step_s, dtype=np.float64)
        times_s = ends_s[ends_s <= until_s]
        if not len(times_s):
            return False
        npz_file.write(
            self._path(hour),
            services=self._fleet.services,
            zones=self._fleet.zones,
            times_s=times_s,
            values=self._fleet.values(times_s),
            deployed_s=self._deployed_s(),
        )
        if len(times_s) == len(ends_s):
            self._complete.add(hour)
        return True

    def _deployed_s(self) -> NDArray[np.float64]:
        """When each service was last deployed: a step fault begins with a deploy."""
        spec = self._fleet.spec
        deployed_s = np.full(spec.services, np.nan)
        for fault in spec.faults:
            if fault.kind is FaultKind.STEP:
                deployed_s[list(fault.services)] = spec.at_s - fault.start_s
        return deployed_s

    def _drop_before(self, oldest_s: float) -> None:
        for hour in [hour for hour in self._complete if (hour + 1) * _HOUR_S < oldest_s]:
            self._path(hour).unlink(missing_ok=True)
            self._complete.discard(hour)

    def _path(self, hour: int) -> Path:
        return self._folder / f"simulated-{datetime.fromtimestamp(hour * _HOUR_S, UTC):%Y%m%dT%H}.npz"


def _remove(folder: Path) -> None:
    """Remove the files of a simulation, and nothing else.

    Raises SourceRefused: the folder contains other files, or a simulation is still writing it.
    """
    if not folder.exists():
        return
    os.close(_lock_folder(folder))
    others = [path.name for path in folder.iterdir() if not path.name.startswith("simulated-")]
    if others:
        raise SourceRefused(f"{folder} contains {others[0]}, which is not from a simulation: choose another folder")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _lock_folder(folder: Path) -> int:
    """The file descriptor that holds the folder's lock: two simulations must not mix in one folder.

    Raises SourceRefused: another simulation holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SourceRefused(f"another simulation is writing {folder}: choose another folder with --file") from error
    return descriptor


def _hour(at_s: float) -> int:
    """The number of the hour that contains this time. 10:00:00 belongs to the hour before."""
    return int(np.ceil(at_s / _HOUR_S)) - 1
