"""A WSGI application behind ASGI: threads work, and only the event loop waits for clients.

The body is read before a thread handles the request, and a thread produces the next chunk of a response only once the
client has taken the previous one. So a slow client holds no thread. Deadlines of the connection are in web.worker.
"""

from asyncio import wrap_future
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final
from wsgiref.types import WSGIApplication

from web.body import (
    Body,
    BodyMemory,
    BodyTimeout,
    ClientDisconnected,
    TransferCodingUnsupported,
    discard_rest,
    read_body,
)
from web.environ import wsgi_environ
from web.error_responses import error_response
from web.response import Header, WsgiResponse
from web.types import Receive, Scope, Send

SLICE_BYTES: Final = 256 * 1024
"""Bytes per write deadline: the slowest client takes this much in ANDEN_WEB_WRITE_TIMEOUT_S."""

BODY_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""The memory budget of all bodies being received."""

LINGER_S: Final = 5.0
LINGER_BYTES: Final = 16 * 1024 * 1024


class ThreadedApplication:
    """The ASGI application. Each path in `dedicated` has its own thread, so it responds even if others are busy."""

    def __init__(
        self,
        application: WSGIApplication,
        *,
        threads: int,
        dedicated: Iterable[str],
        body_bytes: int,
        body_timeout_s: float,
        after_chunk: Callable[[], None],
    ) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, "request")
        self._dedicated = {path: ThreadPoolExecutor(1, path) for path in dedicated}
        self._body_bytes = body_bytes
        self._body_timeout_s = body_timeout_s
        self._body_memory = BodyMemory(max(BODY_MEMORY_BYTES, 2 * body_bytes))
        self._after_chunk = after_chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["method"] == "CONNECT" or scope["raw_path"] == b"*":
            await _send_error(send, 501, "this server is not a proxy: request one of its own paths")
            return
        try:
            body = await read_body(
                scope, receive, self._body_memory, most_bytes=self._body_bytes, within_s=self._body_timeout_s
            )
        except BodyTimeout as overdue:
            await _send_error(send, 408, str(overdue))
            return
        except TransferCodingUnsupported as unknown:
            await _send_error(send, 501, str(unknown))
            if not any(name == b"expect" for name, _ in scope["headers"]):
                await discard_rest(receive, within_s=LINGER_S, most_bytes=LINGER_BYTES)
            return
        except ClientDisconnected:
            return
        environ = wsgi_environ(scope, body.data, complete=body.complete)
        response = WsgiResponse(self._application, environ, self._after_chunk)
        pool = self._dedicated.get(environ["PATH_INFO"], self._pool)
        await _send(response, pool, scope["method"], send, body)
        if not body.complete and "HTTP_EXPECT" not in environ:
            await discard_rest(receive, within_s=LINGER_S, most_bytes=LINGER_BYTES)


async def _send(response: WsgiResponse, pool: Executor, method: str, send: Send, body: Body) -> None:
    future = pool.submit(response.next_chunk)
    try:
        chunk = await wrap_future(future)
        headers = _headers(response, chunk, body, method)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if method == "HEAD":
            await send({"type": "http.response.body"})
            return
        while not response.finished:
            # Produced while the client takes the previous chunk.
            future = pool.submit(response.next_chunk)
            await _send_sliced(send, chunk, more=True)
            chunk = await wrap_future(future)
        await _send_sliced(send, chunk, more=False)
    finally:
        future.cancel()
        if not (future.done() and response.finished):
            # Immediately, or after the chunk that a thread is producing.
            future.add_done_callback(lambda _: pool.submit(response.close))


def _headers(response: WsgiResponse, chunk: bytes, body: Body, method: str) -> list[Header]:
    headers = list(response.headers)
    sized = response.finished and method != "HEAD" and response.status not in {204, 304}
    if not body.complete:
        headers.append((b"Connection", b"close"))
    if sized and not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"Content-Length", str(len(chunk)).encode()))
    return headers


async def _send_sliced(send: Send, chunk: bytes, *, more: bool) -> None:
    slices = [chunk] if len(chunk) <= SLICE_BYTES else _slices(chunk)
    for part in slices[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": slices[-1], "more_body": more})


def _slices(chunk: bytes) -> list[bytes]:
    view = memoryview(chunk)
    return [bytes(view[begin : begin + SLICE_BYTES]) for begin in range(0, len(chunk), SLICE_BYTES)]


async def _send_error(send: Send, status: int, detail: str) -> None:
    headers, body = error_response(status, detail)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
