"""gunicorn's ASGI worker, with a deadline on every wait for a client.

gunicorn bounds the wait for another request (`keepalive`) and knows no bound for a header, for a client that does not
take its answer, or for the number of connections. These are added here, below its own handling of HTTP.
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
"""SO_LINGER for a reset: what nobody takes is not kept by the kernel either."""


UNSENT_BYTES: Final = 128 * 1024
"""What the kernel may hold for a client beyond what that is ready to receive."""

SETTLE_S: Final = 0.2

READ_BYTES: Final = 16 * 1024
"""Taken from one client at a time: its bytes are parsed at once, and while they are nobody else is answered."""


def reset_connection(transport: asyncio.BaseTransport) -> None:
    """End the connection now, and tell the client by a reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    transport.abort()  # type: ignore[attr-defined]


def limit_send_buffer(transport: asyncio.BaseTransport, within_s: float) -> None:
    """Have Linux end a connection whose client takes nothing of what the kernel holds for it, a closed one too.

    It holds little: otherwise it takes megabytes at first, then nothing until the client has taken a third of them,
    and a slow client that goes on reading would miss its deadline.
    """
    connection = transport.get_extra_info("socket")
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(within_s * 1000))
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class DeadlineFlowControl(FlowControl):  # type: ignore[misc]
    """Waits until the client has taken enough of its answer, and cuts the connection where that takes too long."""

    __slots__ = ("_connection", "_within_s")

    def __init__(self, transport: asyncio.Transport, connection: "DeadlineProtocol", within_s: float) -> None:
        super().__init__(transport)
        self._connection = connection
        self._within_s = within_s

    async def drain(self) -> None:
        """Wait until more can be written."""
        self._connection.mark_waiting()
        try:
            async with asyncio.timeout(self._within_s):
                await super().drain()
        except TimeoutError:
            logger.info("A client did not take its answer within %g s: its connection is cut", self._within_s)
            self._connection.abort()
            # gunicorn cancels the request as soon as it hears that the connection is lost.
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
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._flow_control = DeadlineFlowControl(transport, self, self._web.write_timeout_s)
        limit_send_buffer(transport, self._web.write_timeout_s)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]
        self._await_header()
        self.worker.evict_longest_waiting(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.clear_waiting()
        self._end_header()
        self._leave_unsent()
        super().connection_lost(exc)

    def mark_waiting(self) -> None:
        """Count it, from now, among those that wait for their client."""
        self.clear_waiting()
        self.worker.waiting[self] = None

    def clear_waiting(self) -> None:
        """Count it so no more."""
        self.worker.waiting.pop(self, None)

    def abort(self) -> None:
        """End the connection at once."""
        self.clear_waiting()
        reset_connection(self.transport)

    def close_if_idle(self) -> None:
        """End the connection where it has no request: what is written goes out in its time."""
        if self._current_request is None:
            self._close()

    def _close(self) -> None:
        self._close_transport()
        # gunicorn's loop waits for this and looks then.
        self._request_ready.set()

    def _await_header(self) -> None:
        self.mark_waiting()
        self._header_timer = self.worker.loop.call_later(self._web.header_timeout_s, self._header_overdue)

    def _end_header(self) -> None:
        self._header_begun = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _header_overdue(self) -> None:
        if self._header_begun:
            self._send_error_response(408, f"the header was not there within {self._web.header_timeout_s:g} s")
        self._close()

    def _feed_callback_parser(self, data: bytes) -> bool:
        sound = bool(super()._feed_callback_parser(data))
        if sound and self._current_request is None:
            self._header_begun = True
            self._cancel_keepalive_timer()
            if self._header_timer is None:
                self._await_header()
        return sound

    def _on_headers_complete(self) -> Any:
        self._end_header()
        # The pieces of the next answer have deadlines of their own.
        self._leave_unsent()
        self.mark_waiting()
        return super()._on_headers_complete()

    def _on_message_complete(self) -> None:
        self.clear_waiting()
        super()._on_message_complete()

    def _arm_keepalive_timer(self) -> None:
        if not self._header_begun:
            super()._arm_keepalive_timer()
        self.mark_waiting()
        self._bound_unsent()

    def _close_transport(self) -> None:
        super()._close_transport()
        self._bound_unsent()

    def _bound_unsent(self) -> None:
        """Cut the connection where the end of an answer is still not taken after the time that a piece has."""
        self._leave_unsent()
        if self.transport.get_write_buffer_size():
            self._unsent_timer = self.worker.loop.call_later(self._web.write_timeout_s, self._cut_unsent)

    def _leave_unsent(self) -> None:
        if self._unsent_timer is not None:
            self._unsent_timer.cancel()
            self._unsent_timer = None

    def _cut_unsent(self) -> None:
        if self.transport.get_write_buffer_size():
            reset_connection(self.transport)

    def _handle_h1c_exception(self, e: Exception) -> bool:
        if super()._handle_h1c_exception(e):
            return True
        if not isinstance(e, ValueError):
            return False
        # Python reads no number of more than 4,300 digits, and gunicorn does not expect its error.
        self._send_error_response(400, "a number of the header has too many digits")
        self._close_transport()
        return True

    def _is_websocket_upgrade(self, request: Any) -> bool:
        return False  # a request like any other: nothing here speaks it

    def _send_response_start(self, status: int, headers: list[Header], request: Any, close: bool = False) -> None:
        self._close_announced = (b"Connection", b"close") in headers
        super()._send_response_start(status, headers, request, close=close)

    async def _serve_http_request(self, request: Any, sockname: Any, peername: Any) -> bool:
        # gunicorn keeps the connection though the answer says that it ends.
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
        """Connections that wait for their client: for its request, or until it takes more; the longest first."""

    def init_process(self) -> None:
        """Run the worker."""
        # gunicorn names the statuses that it knows, and calls others, such as 412, unknown.
        for status in HTTPStatus:
            protocol._REASON_PHRASES.setdefault(status.value, status.phrase)  # noqa: SLF001  no hook for it
        # The worker makes its connections by this name, and they their parser: there is no other hook for either.
        gasgi.ASGIProtocol = DeadlineProtocol
        protocol.PythonProtocol = FastParser
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application. A wrong variable ends the server with a line that names it."""
        try:
            super().load_wsgi()
        except SettingsInvalid as error:
            raise AppImportError(str(error)) from None

    def evict_longest_waiting(self, newest: DeadlineProtocol) -> None:
        """Close the connection that has waited longest for its client, where there are too many."""
        if self.nr_conns > self.worker_connections:
            next(iter(self.waiting), newest).abort()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        # A request that is on its way already is read first.
        await asyncio.sleep(SETTLE_S)
        for connection in tuple(self.waiting):
            connection.close_if_idle()
        await super()._shutdown()
