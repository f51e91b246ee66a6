"""A simulated fleet that lives: files for the file source, written as time goes by, with their past behind them."""

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
    """Writes a folder with one file an hour: those of now, and the same hours of the days before.

    What the simulation shows at a moment depends on nothing but the moment, so the past is written when it is
    first needed, and a fleet of thousands starts as soon as one of fifty.
    """

    def __init__(self, fleet: SimulatedFleet, folder: Path, span: ObservationSpan) -> None:
        self._fleet = fleet
        self._folder = folder
        self._span = span
        self._whole: set[int] = set()

    def start(self, at_s: float) -> None:
        """Make the folder as of this moment, without what another simulation left there.

        Whoever reads it finds no folder or a whole one: a fleet without its past would look like another fleet.
        Raises SourceRefused: the folder cannot be written, holds what no simulation wrote, or another simulation
        writes it.
        """
        folder = self._folder
        self._folder = folder.with_name(f"{folder.name}.new")
        try:
            for path in (folder, self._folder):
                _remove(path)
            self._folder.mkdir(parents=True)
            # The lock goes along when the folder gets its name, and ends with this object or its process.
            weakref.finalize(self, os.close, _held(self._folder))
            self._write(at_s)
            self._folder.rename(folder)
        except OSError as error:
            raise SourceRefused(f"{folder} cannot be written: {error.strerror or error}") from error
        self._folder = folder

    def write(self, at_s: float) -> int:
        """Bring the files up to this moment; how many were written.

        Raises SourceRefused: the folder cannot be written any more.
        """
        try:
            return self._write(at_s)
        except OSError as error:
            raise SourceRefused(f"{self._folder} cannot be written: {error.strerror or error}") from error

    def _write(self, at_s: float) -> int:
        written = 0
        for day, times_s in self._span.windows(at_s):
            last_s = times_s[-1] if day == 0 else times_s[-1] + _HOUR_S  # an hour of the past ahead, in one go
            for hour in range(_hour(times_s[0]), _hour(last_s) + 1):
                written += self._write_hour(hour, until_s=at_s)
        self._drop_before(at_s - (self._span.days + 1) * DAY_S)
        return written

    def _write_hour(self, hour: int, *, until_s: float) -> bool:
        """Whether the hour's file was written: once it is whole, it stays as it is."""
        if hour in self._whole:
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
            self._whole.add(hour)
        return True

    def _deployed_s(self) -> NDArray[np.float64]:
        """When each service was last deployed: the simulation deploys where a step begins."""
        spec = self._fleet.spec
        deployed_s = np.full(spec.services, np.nan)
        for fault in spec.faults:
            if fault.kind is FaultKind.STEP:
                deployed_s[list(fault.services)] = spec.at_s - fault.start_s
        return deployed_s

    def _drop_before(self, oldest_s: float) -> None:
        for hour in [hour for hour in self._whole if (hour + 1) * _HOUR_S < oldest_s]:
            self._path(hour).unlink(missing_ok=True)
            self._whole.discard(hour)

    def _path(self, hour: int) -> Path:
        return self._folder / f"simulated-{datetime.fromtimestamp(hour * _HOUR_S, UTC):%Y%m%dT%H}.npz"


def _remove(folder: Path) -> None:
    """Remove what a simulation left, and nothing else.

    Raises SourceRefused: the folder holds something else, or a simulation still writes it.
    """
    if not folder.exists():
        return
    os.close(_held(folder))
    foreign = [path.name for path in folder.iterdir() if not path.name.startswith("simulated-")]
    if foreign:
        raise SourceRefused(f"{folder} holds {foreign[0]}, which no simulation wrote: choose another folder")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _held(folder: Path) -> int:
    """The descriptor that holds the folder's lock, for two simulations in one folder would be one muddled fleet.

    Raises SourceRefused: another simulation holds it.
    """
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise SourceRefused(f"{folder} is written by another simulation: choose another folder by --file") from error
    return held


def _hour(at_s: float) -> int:
    """The number of the hour that this moment ends or lies in: 10:00:00 belongs to the hour before."""
    return int(np.ceil(at_s / _HOUR_S)) - 1
