"""Builds a WSGI environ from an ASGI request and its body."""

import sys
from io import BytesIO
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from web.types import Scope

UNPREFIXED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
MEDIA_TYPE_BYTES = 1024
"""Django parses a media type in quadratic time: a longer one is ignored."""


def wsgi_environ(scope: Scope, body: bytes, *, complete: bool) -> WSGIEnvironment:
    """The environ. CONTENT_LENGTH is the length of a complete body, else the client's declared length.

    Source: PEP 3333
    """
    server, port = scope.get("server") or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": _path(scope["raw_path"]),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or ""),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        key = name if name in UNPREFIXED else f"HTTP_{name}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    if len(environ.get("CONTENT_TYPE", "")) > MEDIA_TYPE_BYTES:
        environ["CONTENT_TYPE"] = ""
    # The server has decoded the body, so it has a known length.
    if environ.pop("HTTP_TRANSFER_ENCODING", None) or (complete and "CONTENT_LENGTH" in environ):
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _path(target: bytes) -> str:
    """The target's path, decoded from its bytes: ASGI's text loses bytes that are not UTF-8.

    Source: RFC 9112, 3.2.2: a target may also be an absolute URL.
    """
    if b"://" in target and not target.startswith(b"/"):
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    return unquote_to_bytes(target).decode("latin-1")
