"""The fake over HTTP on loopback, and the same without HTTP where thousands of states are tried."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apps.monitoring.adapters.grafana.fake.exchange import Dropped, Reply, Request
from apps.monitoring.adapters.grafana.fake.grafana import TOKEN, FakeGrafana
from apps.monitoring.adapters.grafana.transport import Answer
from apps.monitoring.core.errors import GrafanaAway, GrafanaRefused


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True  # else each answer waits for an acknowledgement, 40 ms
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
        except Dropped:
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
        """Say nothing: the fake keeps what it was asked."""


@contextmanager
def serving(grafana: FakeGrafana, port: int = 0) -> Iterator[str]:
    """The address at which the fake answers, inside of the block; 0 is a free port."""
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


class DirectTransport:
    """Speaks to the fake without HTTP; each request is sent once."""

    def __init__(self, grafana: FakeGrafana, token: str = TOKEN) -> None:
        self._grafana = grafana
        self._token = token

    @property
    def where(self) -> str:
        """Which Grafana, for messages."""
        return "the fake Grafana"

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Answer:
        """The answer; see Transport."""
        query = {
            name: [str(part) for part in (value if isinstance(value, list) else [value])]
            for name, value in (params or {}).items()
        }
        given = {"authorization": f"Bearer {self._token}", **{k.lower(): v for k, v in (headers or {}).items()}}
        try:
            # Through JSON and back, as over HTTP: nothing is shared with the caller.
            reply = self._grafana.handle(Request(method, path, query, given, json.loads(json.dumps(body))))
        except Dropped as error:
            raise GrafanaAway(f"the fake Grafana dropped {method} {path} (once: {once})") from error
        answer = Answer(reply.status, json.loads(json.dumps(reply.body)))
        if reply.status == 401 or (reply.status == 403 and not answer.is_locked):
            raise GrafanaRefused(f"the fake Grafana answers {reply.status}")
        return answer
