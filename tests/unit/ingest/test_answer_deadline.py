"""The deadline against a server that greets, and reads nothing until released."""

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from apps.ingest.adapters.answer_deadline import AnswerTimeout, DeadlineConnection, deadline_connection

BIG = "x" * 20_000_000
"""More than the kernel's buffers hold."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


GREETING = message(b"R", bytes(4)) + message(b"S", b"client_encoding\0UTF8\0") + message(b"Z", b"I")
ANSWER = message(b"C", b"SELECT 0\0") + message(b"Z", b"I")


@dataclass
class MuteServer:
    """One session of a server that speaks just enough of PostgreSQL's protocol."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    speak: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        with suppress(OSError):
            session, _ = self.listener.accept()
            with session:
                session.recv(struct.unpack("!I", session.recv(4))[0] - 4)
                session.sendall(GREETING)
                self.speak.wait()
                left = len(BIG)
                while left > 0 and (read := len(session.recv(1 << 20))):
                    left -= read
                session.sendall(ANSWER)
                while session.recv(1 << 20):
                    pass

    def connect(self, deadline_s: float) -> DeadlineConnection:
        return deadline_connection(deadline_s).connect(
            f"host=127.0.0.1 port={self.listener.getsockname()[1]} user=x dbname=x sslmode=disable gssencmode=disable",
            autocommit=True,
        )


@pytest.fixture
def mute() -> Iterator[MuteServer]:
    server = MuteServer()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.speak.set()
    server.listener.close()
    thread.join()


def test_a_server_that_reads_nothing_is_left_at_the_deadline(mute: MuteServer) -> None:
    session = mute.connect(0.3)
    with pytest.raises(AnswerTimeout, match=r"did not answer within 0\.3 s"):
        session.execute(f"SELECT '{BIG}'")
    assert session.closed
    with pytest.raises(psycopg.OperationalError, match="closed"):
        session.execute("SELECT 1")


def test_a_statement_goes_on_where_it_was_after_a_logged_silence(
    mute: MuteServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("apps.ingest.adapters.answer_deadline.SILENCE_S", 0.2)

    class Speaks(logging.Handler):
        """Has the server speak once the silence is logged."""

        def emit(self, record: logging.LogRecord) -> None:
            mute.speak.set()

    logger, speaks = logging.getLogger("apps.ingest.postgresql"), Speaks()
    logger.addHandler(speaks)
    with caplog.at_level(logging.INFO), mute.connect(60) as session:
        session.execute(f"SELECT '{BIG}'")
    logger.removeHandler(speaks)
    lines = [record.getMessage() for record in caplog.records if record.name == logger.name]
    assert lines[0] == "PostgreSQL has not answered for 0 s; waiting up to 60 s"
    assert [line.split(" after ")[0] for line in lines[1:]] == ["PostgreSQL answered"]
