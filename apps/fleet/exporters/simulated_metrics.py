"""An HTTP server that exports a simulated fleet to Prometheus."""

import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apps.telemetry.errors import SourceRefused


def serve(page: Callable[[], str], *, address: str, port: int) -> ThreadingHTTPServer:
    """A running server, in its own thread, that serves /metrics.

    Raises SourceRefused: the port is taken.
    """
    try:
        server = ThreadingHTTPServer((address, port), partial(_Handler, page))
    except (OSError, OverflowError) as error:
        raise SourceRefused(f"cannot serve metrics at {address}:{port}: {error}: choose another --port") from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    """Serves one scrape."""

    def __init__(self, page: Callable[[], str], *details: Any) -> None:
        self._page = page
        super().__init__(*details)

    def do_GET(self) -> None:
        """Serve /metrics."""
        known = self.path == "/metrics"
        body = self._page().encode() if known else b"See /metrics.\n"
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Disable access logging."""
