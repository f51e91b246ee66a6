"""A number that one process writes and another reads: how many records a worker has read so far."""

import mmap
import struct
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_NUMBER: Final = struct.Struct("<Q")


class Pace:
    """The shared number, in a file of eight bytes."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_NUMBER.pack(0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBER.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.close()

    @property
    def records(self) -> int:
        """The number."""
        return int(_NUMBER.unpack_from(self._memory)[0])

    @records.setter
    def records(self, number: int) -> None:
        _NUMBER.pack_into(self._memory, 0, number)
