"""A WSGI application behind ASGI: threads work, the event loop alone waits for clients.

A body is read before a thread sees its request, and a thread makes an answer's next piece only when the client has
taken the one before. So no client's pace holds a thread. Deadlines of the connection itself: web.worker.
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
"""What one deadline of the connection is for: the slowest client takes so much in ANDEN_WEB_WRITE_TIMEOUT_S."""

BODY_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""For all bodies that are on their way."""

LINGER_S: Final = 5.0
LINGER_BYTES: Final = 16 * 1024 * 1024


class ThreadedApplication:
    """The ASGI application. Paths that are `apart` have a thread each, so that they answer whatever the others do."""

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
        self._body_room = BodyMemory(max(BODY_MEMORY_BYTES, 2 * body_bytes))
        self._after_chunk = after_chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "CONNECT" or scope["raw_path"] == b"*":
            await _refuse(send, 501, "this server answers at the addresses of its own, and for no other server")
            return
        try:
            body = await read_body(
                scope, receive, self._body_room, most_bytes=self._body_bytes, within_s=self._body_timeout_s
            )
        except BodyTimeout as overdue:
            await _refuse(send, 408, str(overdue))
            return
        except TransferCodingUnsupported as unknown:
            await _refuse(send, 501, str(unknown))
            if not any(name == b"expect" for name, _ in scope["headers"]):
                await discard_rest(receive, within_s=LINGER_S, most_bytes=LINGER_BYTES)
            return
        except ClientDisconnected:
            return
        environ = wsgi_environ(scope, body.data, complete=body.complete)
        answer = WsgiResponse(self._application, environ, self._after_chunk)
        pool = self._dedicated.get(environ["PATH_INFO"], self._pool)
        await _send(answer, pool, scope["method"], send, body)
        if not body.complete and "HTTP_EXPECT" not in environ:
            await discard_rest(receive, within_s=LINGER_S, most_bytes=LINGER_BYTES)


async def _send(answer: WsgiResponse, pool: Executor, method: str, send: Send, body: Body) -> None:
    step = pool.submit(answer.next_chunk)
    try:
        piece = await wrap_future(step)
        headers = _headers(answer, piece, body, method)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if method == "HEAD":
            await send({"type": "http.response.body"})
            return
        while not answer.finished:
            # Made while the client takes the one before.
            step = pool.submit(answer.next_chunk)
            await _send_sliced(send, piece, more=True)
            piece = await wrap_future(step)
        await _send_sliced(send, piece, more=False)
    finally:
        step.cancel()
        if not (step.done() and answer.finished):
            # At once, or behind the step that a thread is at.
            step.add_done_callback(lambda _: pool.submit(answer.close))


def _headers(answer: WsgiResponse, piece: bytes, body: Body, method: str) -> list[Header]:
    headers = list(answer.headers)
    sized = answer.finished and method != "HEAD" and answer.status not in {204, 304}
    if not body.complete:
        headers.append((b"Connection", b"close"))
    if sized and not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"Content-Length", str(len(piece)).encode()))
    return headers


async def _send_sliced(send: Send, piece: bytes, *, more: bool) -> None:
    slices = [piece] if len(piece) <= SLICE_BYTES else _slices(piece)
    for part in slices[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": slices[-1], "more_body": more})


def _slices(piece: bytes) -> list[bytes]:
    view = memoryview(piece)
    return [bytes(view[begin : begin + SLICE_BYTES]) for begin in range(0, len(piece), SLICE_BYTES)]


async def _refuse(send: Send, status: int, detail: str) -> None:
    headers, body = error_response(status, detail)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
