"""A WSGI application's response, produced in chunks, each of them in any thread."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from wsgiref.types import WSGIApplication, WSGIEnvironment

CHUNK_BYTES: Final = 64 * 1024

Header = tuple[bytes, bytes]


class WsgiResponse:
    """A response. Between two chunks it holds no thread, however slowly the client reads."""

    def __init__(
        self, application: WSGIApplication, environ: WSGIEnvironment, after_chunk: Callable[[], None]
    ) -> None:
        self._application = application
        self._environ = environ
        self._after_chunk = after_chunk
        self._iterable: Iterable[bytes] | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._written: list[bytes] = []
        self.status = 500
        self.headers: list[Header] = []
        self.finished = False

    def next_chunk(self) -> bytes:
        """The next chunk, at least CHUNK_BYTES unless it is the last. Raises the application's errors."""
        try:
            if self._iterable is None:
                self._iterable = self._application(self._environ, self._start)
                self._chunks = iter(self._iterable)
            chunk = self._gather()
        except BaseException:
            self.close()
            raise
        if self.finished:
            self.close()
        else:
            # Release this thread's database connections: the next chunk may run in another thread.
            self._after_chunk()
        return chunk

    def close(self) -> None:
        """Close the response, complete or not: WSGI applications release their resources here."""
        self.finished = True
        iterable, self._iterable = self._iterable, ()
        close = getattr(iterable, "close", None)
        if close is not None:
            close()

    def _gather(self) -> bytes:
        gathered, self._written = self._written, []
        size = sum(map(len, gathered))
        while size < CHUNK_BYTES:
            part = next(self._chunks, None)
            if part is None:
                self.finished = True
                break
            gathered.append(part)
            size += len(part)
        return gathered[0] if len(gathered) == 1 else b"".join(gathered)

    def _start(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._written.append
