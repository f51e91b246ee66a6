"""The base of PostgreSQL and Kafka: a process that owns a folder and keeps its port across restarts."""

import signal
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from embedded.daemon import Daemon, stopped_on_error
from embedded.errors import StartFailed
from embedded.ports import free_port, port_is_free


class EmbeddedServer(ABC):
    """A server that runs for the duration of its `with` block."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, port: int | None = None, *, quick: bool = False) -> None:
        self.folder = folder.resolve()
        self.port = 0
        self._preferred = port
        self._quick = quick
        self._daemon = Daemon(self.name, self.folder, stop_signal=self.stop_signal)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._daemon.pid

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._daemon.log

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._daemon.running

    def start(self) -> None:
        """Start the server and return when it answers.

        The first start takes the preferred port or a free one, later starts of this object the same port.
        Raises EmbeddedError: it did not start; the message gives the reason.
        """
        if self._daemon.running:
            return
        self._daemon.claim()
        with stopped_on_error(self._daemon.stop):
            self._launch()

    def stop(self) -> None:
        """Stop the server and unlock the folder."""
        self._daemon.stop()

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        self._daemon.kill()

    def pause(self) -> None:
        """Freeze the server's main process with SIGSTOP."""
        self._daemon.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume a paused server."""
        self._daemon.send(signal.SIGCONT)

    @abstractmethod
    def _launch(self) -> None:
        """Prepare the locked folder, spawn the process and wait until it answers."""

    def _choose_port(self) -> None:
        """Set the port: the previous one, else the preferred one, else a free one."""
        if not self.port:
            self.port = free_port(self._preferred)
        elif not port_is_free(self.port):
            raise StartFailed(f"port {self.port}, which {self.name} used before, is taken by another program")
