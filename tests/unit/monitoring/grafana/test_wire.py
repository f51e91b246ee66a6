"""Truncated responses and private certificate authorities."""

import datetime
import json
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.monitoring.errors import GrafanaRefused, GrafanaUnavailable
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.client.session import RequestRetryPolicy

QUICK = RequestRetryPolicy(timeout_s=2, tries=2, pause_s=0.001)
HEALTH = json.dumps({"database": "ok", "version": "11.6.0"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
COMPLETE = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(HEALTH), HEALTH)
NOW = datetime.datetime.now(datetime.UTC)


@contextmanager
def answering(sent: bytes, *, reset: bool = False, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that sends these bytes on each connection and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with suppress(OSError), connection:
                    spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                    spoken.recv(65_536)
                    spoken.sendall(sent)
                    if reset:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    spoken.close()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("sent", "reset"),
    [
        (HEAD + b"Content-Length: 999\r\n\r\n" + HEALTH[:20], False),
        (HEAD + b"Content-Length: 999\r\n\r\n" + HEALTH[:20], True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1f\r\n" + HEALTH[:20], False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nno length\r\n" + HEALTH, False),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + HEALTH[:20], False),
        (b"", False),
        (b"", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
    ],
    ids=["ends early", "reset", "chunk ends", "no chunk", "no gzip", "nothing", "reset at once", "no http"],
)
def test_a_truncated_response_raises_grafana_unavailable(sent: bytes, reset: bool) -> None:
    with (
        answering(sent, reset=reset) as port,
        pytest.raises(GrafanaUnavailable, match="run the command again later") as raised,
    ):
        grafana_connect(GrafanaApiClient(f"http://127.0.0.1:{port}", "fake-token", retry=QUICK))
    assert "does not respond to GET /api/health" in str(raised.value)
    assert "fake-token" not in str(raised.value)


def certificate(folder: Path, *, host: str = "127.0.0.1", days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """The TLS context of a server with a self-signed certificate, and the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=10))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file, private = folder / "ca.pem", folder / "key.pem"
    file.write_bytes(built.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return context, file


def test_a_private_ca_is_trusted_by_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, ca = certificate(tmp_path)
    with answering(COMPLETE, tls=tls) as port:
        url = f"https://127.0.0.1:{port}"
        assert grafana_connect(GrafanaApiClient(url, "fake-token", retry=QUICK, ca=ca)).version == "11.6.0"
        # Only the setting is read, not the variables of other programs.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
        with pytest.raises(GrafanaRefused, match=r"TLS failed .*self.signed.* ANDEN_GRAFANA_CA"):
            grafana_connect(GrafanaApiClient(url, "fake-token", retry=QUICK))


@pytest.mark.parametrize(
    ("host", "days", "spoilt", "message"),
    [
        ("127.0.0.2", 1, None, "IP address mismatch"),
        ("127.0.0.1", -1, None, "certificate has expired"),
        ("127.0.0.1", 1, b"no certificate", "ANDEN_GRAFANA_CA"),
        ("127.0.0.1", 1, b"", "ANDEN_GRAFANA_CA"),
        ("127.0.0.1", 1, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ANDEN_GRAFANA_CA"),
    ],
)
def test_an_invalid_certificate_or_ca_raises_grafana_refused(
    tmp_path: Path, host: str, days: int, spoilt: bytes | None, message: str
) -> None:
    tls, ca = certificate(tmp_path, host=host, days=days)
    if spoilt is not None:
        ca.write_bytes(spoilt)
    with answering(COMPLETE, tls=tls) as port, pytest.raises(GrafanaRefused, match="TLS failed") as raised:
        grafana_connect(GrafanaApiClient(f"https://127.0.0.1:{port}", "fake-token", retry=QUICK, ca=ca))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
