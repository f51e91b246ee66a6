"""The fake over HTTP on loopback, and without HTTP for thousands of states."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter

from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.messages import ConnectionDropped, Reply, Request


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True  # otherwise each response waits 40 ms for an acknowledgement
    grafana: FakeGrafana

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = json.loads(sent) if sent else None
        except ValueError:
            self._reply(Reply(400, {"message": "bad request data: no JSON"}))
            return
        try:
            reply = self.grafana.handle(Request(self.command, parts.path, parse_qs(parts.query), headers, body))
        except ConnectionDropped:
            self.close_connection = True
            return
        self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        if isinstance(reply.body, str):
            sent = reply.body.encode()
        else:
            sent = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, *_args: Any) -> None:
        """Silent: the fake records requests."""


@contextmanager
def serving(grafana: FakeGrafana, port: int = 0) -> Iterator[str]:
    """The URL of the fake, inside the block; port 0 is any free port."""
    handler = type("Handler", (_Handler,), {"grafana": grafana})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class DirectAdapter(BaseAdapter):
    """Passes the requests of a session to the fake without HTTP, each once."""

    def __init__(self, grafana: FakeGrafana) -> None:
        super().__init__()
        self._grafana = grafana

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        """The fake's response."""
        parts = urlsplit(str(request.url))
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(request.body) if request.body else None
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        try:
            reply = self._grafana.handle(
                Request(str(request.method), parts.path, parse_qs(parts.query), headers, body)
            )
        except ConnectionDropped as error:
            raise requests.ConnectionError("dropped", request=request) from error
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.raw = BytesIO(b"" if reply.body is None else json.dumps(reply.body).encode())
        return response

    def close(self) -> None:
        """Nothing to close."""


def direct_client(adapter: DirectAdapter) -> GrafanaApiClient:
    """A client of the fake without HTTP."""
    return GrafanaApiClient("http://fake.invalid", TOKEN, retry=RequestRetryPolicy(tries=1), adapter=adapter)
