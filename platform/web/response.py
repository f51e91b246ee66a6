"""A WSGI application's answer to one request, made in steps, each of them in any thread."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from wsgiref.types import WSGIApplication, WSGIEnvironment

CHUNK_BYTES: Final = 64 * 1024

Header = tuple[bytes, bytes]


class WsgiResponse:
    """The answer. Between two steps nothing of it holds a thread, however slowly the client takes it."""

    def __init__(
        self, application: WSGIApplication, environ: WSGIEnvironment, after_chunk: Callable[[], None]
    ) -> None:
        self._application = application
        self._environ = environ
        self._after_chunk = after_chunk
        self._iterable: Iterable[bytes] | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._written: list[bytes] = []
        self.status = 500
        self.headers: list[Header] = []
        self.finished = False

    def next_chunk(self) -> bytes:
        """The next bytes, at least CHUNK_BYTES of them unless the answer is over. Raises what the application does."""
        try:
            if self._iterable is None:
                self._iterable = self._application(self._environ, self._start)
                self._pieces = iter(self._iterable)
            piece = self._gathered()
        except BaseException:
            self.close()
            raise
        if self.finished:
            self.close()
        else:
            # What this thread holds of the database goes back: the next step may come in another one.
            self._after_chunk()
        return piece

    def close(self) -> None:
        """End the answer, however far it came: WSGI applications give back here what they hold."""
        self.finished = True
        iterable, self._iterable = self._iterable, ()
        close = getattr(iterable, "close", None)
        if close is not None:
            close()

    def _gathered(self) -> bytes:
        gathered, self._written = self._written, []
        size = sum(map(len, gathered))
        while size < CHUNK_BYTES:
            piece = next(self._pieces, None)
            if piece is None:
                self.finished = True
                break
            gathered.append(piece)
            size += len(piece)
        return gathered[0] if len(gathered) == 1 else b"".join(gathered)

    def _start(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._written.append
