"""gunicorn's ASGI worker, with a deadline on every wait for a client.

gunicorn limits the wait for the next request (`keepalive`), but neither the wait for a header or for a client to read
its response, nor the number of connections. This module adds these limits below gunicorn's handling of HTTP.
"""

import asyncio
import logging
import socket
import struct
from http import HTTPStatus
from typing import Any, Final

from gunicorn.asgi import protocol
from gunicorn.asgi.protocol import ASGIProtocol, FlowControl
from gunicorn.errors import AppImportError
from gunicorn.workers import gasgi

from apps.api.conf import WebSettings
from apps.telemetry.environment import SettingsInvalid, load
from web.error_responses import error_response
from web.parser import FastParser
from web.response import Header

logger = logging.getLogger(__name__)

LINGER_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER for a reset: the kernel drops unread data, too."""


UNSENT_BYTES: Final = 128 * 1024
"""Data that the kernel buffers for a client beyond its receive window."""

SETTLE_S: Final = 0.2

READ_BYTES: Final = 16 * 1024
"""Maximum read from a client at a time: parsing it blocks the event loop."""


def reset_connection(transport: asyncio.BaseTransport) -> None:
    """Close the connection immediately with a TCP reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    transport.abort()  # type: ignore[attr-defined]


def limit_send_buffer(transport: asyncio.BaseTransport, within_s: float) -> None:
    """Make Linux drop a connection, even a closed one, whose client takes nothing of the buffered data.

    The buffer is small: a larger one takes megabytes at first, then nothing until the client has read a third of them,
    so a client that reads slowly would miss its deadline.
    """
    connection = transport.get_extra_info("socket")
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(within_s * 1000))
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class DeadlineFlowControl(FlowControl):  # type: ignore[misc]
    """Waits until the client has read enough of its response, and resets the connection after the deadline."""

    __slots__ = ("_connection", "_within_s")

    def __init__(self, transport: asyncio.Transport, connection: "DeadlineProtocol", within_s: float) -> None:
        super().__init__(transport)
        self._connection = connection
        self._within_s = within_s

    async def drain(self) -> None:
        """Wait until the client has read enough, or reset the connection."""
        self._connection.mark_waiting()
        try:
            async with asyncio.timeout(self._within_s):
                await super().drain()
        except TimeoutError:
            logger.info("A client did not read its response within %g s: connection reset", self._within_s)
            self._connection.abort()
            # gunicorn cancels the request once it learns that the connection is lost.
            await super().drain()
        self._connection.clear_waiting()


class DeadlineProtocol(ASGIProtocol):  # type: ignore[misc]
    """One connection."""

    worker: "DeadlineWorker"

    def __init__(self, worker: "DeadlineWorker") -> None:
        super().__init__(worker)
        self._web = worker.web
        self._header_timer: asyncio.TimerHandle | None = None
        self._unsent_timer: asyncio.TimerHandle | None = None
        self._header_begun = False
        self._close_announced = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start waiting for the first header."""
        super().connection_made(transport)
        self._flow_control = DeadlineFlowControl(transport, self, self._web.write_timeout_s)
        limit_send_buffer(transport, self._web.write_timeout_s)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]
        self._start_header_timer()
        self.worker.evict_longest_waiting(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        self.clear_waiting()
        self._cancel_header_timer()
        self._cancel_unsent_timer()
        super().connection_lost(exc)

    def mark_waiting(self) -> None:
        """Add the connection to those waiting for their client, as the newest."""
        self.clear_waiting()
        self.worker.waiting[self] = None

    def clear_waiting(self) -> None:
        """Remove the connection from those waiting for their client."""
        self.worker.waiting.pop(self, None)

    def abort(self) -> None:
        """Reset the connection."""
        self.clear_waiting()
        reset_connection(self.transport)

    def close_if_idle(self) -> None:
        """Close the connection if it has no request; buffered data is still sent."""
        if self._current_request is None:
            self._close()

    def _close(self) -> None:
        self._close_transport()
        # gunicorn's loop waits for this event.
        self._request_ready.set()

    def _start_header_timer(self) -> None:
        self.mark_waiting()
        self._header_timer = self.worker.loop.call_later(self._web.header_timeout_s, self._header_overdue)

    def _cancel_header_timer(self) -> None:
        self._header_begun = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _header_overdue(self) -> None:
        if self._header_begun:
            self._send_error_response(408, f"the header did not arrive within {self._web.header_timeout_s:g} s")
        self._close()

    def _feed_callback_parser(self, data: bytes) -> bool:
        sound = bool(super()._feed_callback_parser(data))
        if sound and self._current_request is None:
            self._header_begun = True
            self._cancel_keepalive_timer()
            if self._header_timer is None:
                self._start_header_timer()
        return sound

    def _on_headers_complete(self) -> Any:
        self._cancel_header_timer()
        # The next response has deadlines of its own.
        self._cancel_unsent_timer()
        self.mark_waiting()
        return super()._on_headers_complete()

    def _on_message_complete(self) -> None:
        self.clear_waiting()
        super()._on_message_complete()

    def _arm_keepalive_timer(self) -> None:
        if not self._header_begun:
            super()._arm_keepalive_timer()
        self.mark_waiting()
        self._start_unsent_timer()

    def _close_transport(self) -> None:
        super()._close_transport()
        self._start_unsent_timer()

    def _start_unsent_timer(self) -> None:
        """Reset the connection if the end of a response is not read within the write deadline."""
        self._cancel_unsent_timer()
        if self.transport.get_write_buffer_size():
            self._unsent_timer = self.worker.loop.call_later(self._web.write_timeout_s, self._reset_if_unsent)

    def _cancel_unsent_timer(self) -> None:
        if self._unsent_timer is not None:
            self._unsent_timer.cancel()
            self._unsent_timer = None

    def _reset_if_unsent(self) -> None:
        if self.transport.get_write_buffer_size():
            reset_connection(self.transport)

    def _handle_h1c_exception(self, e: Exception) -> bool:
        if super()._handle_h1c_exception(e):
            return True
        if not isinstance(e, ValueError):
            return False
        # Python refuses integers of more than 4,300 digits, and gunicorn does not handle the error.
        self._send_error_response(400, "a number in the header has too many digits")
        self._close_transport()
        return True

    def _is_websocket_upgrade(self, request: Any) -> bool:
        return False  # handled like any other request: WebSocket is not supported

    def _send_response_start(self, status: int, headers: list[Header], request: Any, close: bool = False) -> None:
        self._close_announced = (b"Connection", b"close") in headers
        super()._send_response_start(status, headers, request, close=close)

    async def _serve_http_request(self, request: Any, sockname: Any, peername: Any) -> bool:
        # gunicorn keeps the connection open even if the response has "Connection: close".
        kept: bool = await super()._serve_http_request(request, sockname, peername)
        return kept and not self._close_announced

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        headers, body = error_response(status, message)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
        lines += [name + b": " + value for name, value in headers]
        self._safe_write(b"\r\n".join([*lines, b"", body]))


class DeadlineWorker(gasgi.ASGIWorker):  # type: ignore[misc]
    """A worker process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.web = load(WebSettings)
        self.waiting: dict[DeadlineProtocol, None] = {}
        """Connections that wait for their client's request or for it to read, the longest-waiting first."""

    def init_process(self) -> None:
        """Replace gunicorn's protocol and parser, then run the worker."""
        # gunicorn lacks the reason phrases of some statuses, such as 412.
        for status in HTTPStatus:
            protocol._REASON_PHRASES.setdefault(status.value, status.phrase)  # noqa: SLF001  no hook for it
        # The worker looks up its protocol class by this name, and that its parser: there is no other hook.
        gasgi.ASGIProtocol = DeadlineProtocol
        protocol.PythonProtocol = FastParser
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application; an invalid variable stops the server with a line that names it."""
        try:
            super().load_wsgi()
        except SettingsInvalid as error:
            raise AppImportError(str(error)) from None

    def evict_longest_waiting(self, newest: DeadlineProtocol) -> None:
        """If there are too many connections, reset the one that has waited longest for its client."""
        if self.nr_conns > self.worker_connections:
            next(iter(self.waiting), newest).abort()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        # Let requests that are already on their way arrive.
        await asyncio.sleep(SETTLE_S)
        for connection in tuple(self.waiting):
            connection.close_if_idle()
        await super()._shutdown()
