"""The WSGI environ of an ASGI request."""

from typing import Any

import pytest

from web.environ import wsgi_environ


def scope(raw_path: bytes = b"/", headers: tuple[tuple[bytes, bytes], ...] = (), **changed: Any) -> dict[str, Any]:
    return {
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "raw_path": raw_path,
        "query_string": b"a=%FF",
        "server": ("127.0.0.1", 8000),
        "client": ("10.0.0.7", 4711),
        "headers": list(headers),
        **changed,
    }


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a%2Fb", "/a/b"),
        (b"/caf%C3%A9", "/caf\xc3\xa9"),
        (b"/%FF%00", "/\xff\x00"),
        (b"/%zz", "/%zz"),
        (b"//two", "//two"),
        (b"http://example/a?b", "/a?b"),
        (b"http://example", "/"),
        (b"/see?of=http://example/", "/see?of=http://example/"),
        (b"*", "*"),
    ],
)
def test_the_path_is_decoded_from_its_bytes(target: bytes, path: str) -> None:
    assert wsgi_environ(scope(target), b"", complete=True)["PATH_INFO"] == path


def test_a_chunked_body_gets_a_content_length() -> None:
    environ = wsgi_environ(scope(headers=((b"transfer-encoding", b"chunked"),)), b"12345", complete=True)
    assert environ["CONTENT_LENGTH"] == "5"
    assert "HTTP_TRANSFER_ENCODING" not in environ
    assert environ["wsgi.input"].read() == b"12345"


def test_an_unread_body_keeps_its_declared_length() -> None:
    environ = wsgi_environ(scope(headers=((b"content-length", b"99"),)), b"", complete=False)
    assert environ["CONTENT_LENGTH"] == "99"
    assert "CONTENT_LENGTH" not in wsgi_environ(scope(), b"", complete=True)


def test_repeated_headers_are_joined_and_content_headers_have_no_prefix() -> None:
    headers = ((b"x-a", b"1"), (b"x-a", b"2"), (b"content-type", b"application/json"))
    environ = wsgi_environ(scope(headers=headers), b"", complete=True)
    assert (environ["HTTP_X_A"], environ["CONTENT_TYPE"]) == ("1,2", "application/json")
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("10.0.0.7", "8000")


def test_a_client_on_a_unix_socket_has_no_remote_addr() -> None:
    environ = wsgi_environ(scope(client=None, server=None), b"", complete=True)
    assert (environ["REMOTE_ADDR"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("", "", "")


@pytest.mark.parametrize("parameter", ['a="' + ";" * 60_000, ";" * 60_000, "a" * 1_100])
def test_a_media_type_that_is_too_long_is_ignored(parameter: str) -> None:
    headers = ((b"content-type", b"application/json;" + parameter.encode()),)
    assert wsgi_environ(scope(headers=headers), b"{}", complete=True)["CONTENT_TYPE"] == ""
