"""Arrays and flags in compact form."""

import zlib
from dataclasses import asdict
from math import isfinite
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from apps.fleet.engine.evaluation import FleetEvent, OutlierFlag
from apps.fleet.engine.observation import Floats

Value = TypeVar("Value", OutlierFlag, FleetEvent)

_HALF_LIMIT = 65_000.0


def pack(values: NDArray[Any], kind: DTypeLike = np.float16) -> bytes:
    """The array as compressed bytes; by default float16: three digits, NaN preserved."""
    if kind is np.float16:
        values = np.clip(values, -_HALF_LIMIT, _HALF_LIMIT)
    return zlib.compress(values.astype(kind).tobytes(), 1)


def unpack(data: bytes | memoryview, kind: DTypeLike = np.float16) -> Floats:
    """The inverse of `pack`: flat, float32."""
    return np.frombuffer(zlib.decompress(bytes(data)), dtype=kind).astype(np.float32)


def pack_ids(ids: NDArray[np.int64]) -> bytes:
    """Row ids as compressed bytes. They are delta-encoded, because most rise by one."""
    return zlib.compress(np.diff(ids, prepend=np.int64(0)).astype(np.int64).tobytes(), 1)


def unpack_ids(data: bytes | memoryview) -> NDArray[np.int64]:
    """The inverse of `pack_ids`."""
    return np.cumsum(np.frombuffer(zlib.decompress(bytes(data)), dtype=np.int64))


def as_json(value: OutlierFlag | FleetEvent) -> dict[str, Any]:
    """The fields of the value; NaN and infinities become null."""
    return {name: number_or_null(field) for name, field in asdict(value).items()}


def from_json(kind: type[Value], fields: dict[str, Any]) -> Value:
    """The inverse of `as_json`."""
    values: dict[str, Any] = {name: float("nan") if field is None else field for name, field in fields.items()}
    return kind(**values)


def number_or_null(value: Any) -> Any:
    """The value for JSON: Python numbers instead of numpy's; null for NaN and infinities."""
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def float_or_nan(value: float | None) -> float:
    """The inverse of `number_or_null` for floats."""
    return float("nan") if value is None else float(value)


def floats(fields: dict[str, float | None]) -> dict[str, float]:
    """The numbers of a JSON object, NaN for null."""
    return {name: float_or_nan(value) for name, value in fields.items()}
