"""Signals as NumPy NPZ: arrays, for fleets that are too large for text."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats
from apps.fleet.engine.observation_builder import INDEX, ObservationBuilder, service_name_error
from apps.fleet.errors import SourceInvalid

KINDS: Final = {"services": "U", "signals": "U", "times_s": "iuf", "values": "f"}
"""The required arrays and their dtype kinds; `zones` (U) and `deployed_s` (f) are optional."""


def read(path: Path, builder: ObservationBuilder) -> None:
    """Add the file's values to the builder: `values` is services × signals × times, NaN for no data.

    Raises SourceInvalid: names the file and the invalid array.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            _check(path, arrays)
            _take(path, arrays, builder)
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError) as error:
        # NumPy's own message suggests allow_pickle, which would execute code from the file.
        raise SourceInvalid(f"{path} is not an NPZ file of numbers and text: write it with numpy.savez") from error


def write(
    path: Path,
    *,
    services: tuple[str, ...],
    zones: tuple[str, ...],
    times_s: NDArray[np.float64],
    values: Floats,
    deployed_s: NDArray[np.float64],
) -> None:
    """Write a file for `read`, with all signals in order; it replaces the old one atomically."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        np.savez(
            file,
            services=np.array(services, dtype=str),
            zones=np.array(zones, dtype=str),
            signals=np.array(list(INDEX), dtype=str),
            times_s=times_s,
            values=values,
            deployed_s=deployed_s,
        )
    fresh.replace(path)


def _check(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, kinds in KINDS.items():
        if name not in arrays:
            raise SourceInvalid(f"{path}: the array {name} is missing")
        if name != "values" and arrays[name].dtype.kind not in kinds:
            raise SourceInvalid(f"{path}: the array {name} is of type {arrays[name].dtype}")
    unknown = sorted(set(arrays["signals"].tolist()) - set(INDEX))
    if unknown:
        raise SourceInvalid(f"{path}: the array signals contains {unknown[0]}, which is not one of {', '.join(INDEX)}")


def _take(path: Path, arrays: Mapping[str, NDArray[Any]], builder: ObservationBuilder) -> None:
    services = arrays["services"].tolist()
    for service in services:
        if service_name_error(service):
            raise SourceInvalid(f"{path}: the array services: {service[:40]!r} {service_name_error(service)}")
    rows = builder.rows(services)
    for service, zone in zip(services, _of_each(path, arrays, "zones", services, ""), strict=True):
        if zone:
            builder.set_zone(service, zone)
    for service, at_s in zip(services, _of_each(path, arrays, "deployed_s", services, np.nan), strict=True):
        if at_s <= builder.at_s:
            builder.set_deployed(service, at_s)
    cells = builder.span.cells(builder.at_s, arrays["times_s"])
    covered = cells >= 0
    if not covered.any():
        return
    values = arrays["values"]
    signals = np.array([INDEX[name] for name in arrays["signals"].tolist()], dtype=np.int64)
    expected = (len(services), len(signals), len(cells))
    if values.shape != expected or values.dtype.kind not in KINDS["values"]:
        raise SourceInvalid(f"{path}: the array values is {values.dtype} of {values.shape}, not floats of {expected}")
    builder.put(rows[:, None, None], signals[:, None], cells[covered], values[:, :, covered])


def _of_each(path: Path, arrays: Mapping[str, NDArray[Any]], name: str, services: list[str], default: Any) -> Any:
    """The array's entry for each service, or the default if the array is absent."""
    if name not in arrays:
        return [default] * len(services)
    found = arrays[name].tolist()
    if len(found) != len(services):
        raise SourceInvalid(f"{path}: the array {name} has {len(found)} entries for {len(services)} services")
    return found
