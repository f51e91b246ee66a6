"""Arrays and flags in few bytes, and back."""

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
    """The array as compressed bytes; half precision unless told: three digits, and NaN stays NaN."""
    if kind is np.float16:
        values = np.clip(values, -_HALF_LIMIT, _HALF_LIMIT)
    return zlib.compress(values.astype(kind).tobytes(), 1)


def unpack(data: bytes | memoryview, kind: DTypeLike = np.float16) -> Floats:
    """What `pack` took, flat and as float32."""
    return np.frombuffer(zlib.decompress(bytes(data)), dtype=kind).astype(np.float32)


def pack_ids(ids: NDArray[np.int64]) -> bytes:
    """Row numbers as compressed bytes; they mostly rise by one, and their differences are small."""
    return zlib.compress(np.diff(ids, prepend=np.int64(0)).astype(np.int64).tobytes(), 1)


def unpack_ids(data: bytes | memoryview) -> NDArray[np.int64]:
    """What `pack_ids` took."""
    return np.cumsum(np.frombuffer(zlib.decompress(bytes(data)), dtype=np.int64))


def as_json(value: OutlierFlag | FleetEvent) -> dict[str, Any]:
    """The value's fields; JSON knows no NaN, so a number that is none becomes null."""
    return {name: number_or_null(field) for name, field in asdict(value).items()}


def from_json(kind: type[Value], fields: dict[str, Any]) -> Value:
    """The value of these fields."""
    values: dict[str, Any] = {name: float("nan") if field is None else field for name, field in fields.items()}
    return kind(**values)


def number_or_null(value: Any) -> Any:
    """The value as JSON can say it: numpy's numbers as Python's, NaN and infinities as null."""
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def float_or_nan(value: float | None) -> float:
    """What `number_or_null` took from a float."""
    return float("nan") if value is None else float(value)


def floats(fields: dict[str, float | None]) -> dict[str, float]:
    """The numbers of a JSON object, NaN where it has null."""
    return {name: float_or_nan(value) for name, value in fields.items()}
