"""Kafkas in special states: with an authorizer, with a broker that can fail, with a truncated log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from embedded.kafka import EmbeddedKafka

AUTHORIZER: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:somebody-else",
    "allow.everyone.if.no.acl.found": "true",
}
EVERYBODY: Final = "User:ANONYMOUS"


@contextmanager
def kafka_with(more: dict[str, str]) -> Iterator[EmbeddedKafka]:
    """A temporary broker with these settings."""
    with (
        TemporaryDirectory(prefix="anden-kafka-") as folder,
        EmbeddedKafka(Path(folder), quick=True, more=more) as one,
    ):
        yield one


class Rights:
    """Grants and revokes everybody's permissions, one ACL binding at a time."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def allow(self, name: str, operation: AclOperation, kind: ResourceType = ResourceType.TOPIC) -> None:
        self._bind(kind, name, operation, AclPermissionType.ALLOW)

    def deny(self, name: str, operation: AclOperation, kind: ResourceType = ResourceType.TOPIC) -> None:
        self._bind(kind, name, operation, AclPermissionType.DENY)

    def _bind(self, kind: ResourceType, name: str, operation: AclOperation, permission: AclPermissionType) -> None:
        binding = AclBinding(kind, name, ResourcePatternType.LITERAL, EVERYBODY, "*", operation, permission)
        for future in self._admin.create_acls([binding]).values():
            future.result(20)

    def forget(self, name: str, kind: ResourceType = ResourceType.TOPIC) -> None:
        """Delete every binding, which permits everything again."""
        anybody: Any = None
        every = AclBindingFilter(
            kind,
            name,
            ResourcePatternType.LITERAL,
            anybody,
            anybody,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        for future in self._admin.delete_acls([every]).values():
            future.result(20)


class SecondBroker(EmbeddedKafka):
    """A second broker of the cluster, outside the controller quorum."""

    def __init__(self, folder: Path, first: EmbeddedKafka) -> None:
        super().__init__(folder, quick=True)
        self._first = first
        self._cluster_id = first._cluster_id

    def _write_settings(self) -> Path:
        quorum = f"127.0.0.1:{self._first._controller_port}"
        self._more = {
            "process.roles": "broker",
            "node.id": "2",
            "controller.quorum.voters": f"1@{quorum}",
            "listeners": f"PLAINTEXT://{self.bootstrap}",
        }
        return super()._write_settings()


def make_on(bootstrap: str, topic: str, broker: int) -> None:
    """Create a topic whose only partition is on this broker."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    replicas: Any = [[broker]]  # the stub requires strings
    admin.create_topics([NewTopic(topic, 1, replica_assignment=replicas)])[topic].result(20)


def truncate_log(kafka: EmbeddedKafka, topic: str, end: int, *, partition: int = 0) -> None:
    """Restart the broker with a truncated log, as after an unclean election or a lost page cache.

    Truncates at the batch that contains the offset; send records one by one for an exact cut.
    """
    kafka.stop()
    folder = kafka.folder / "data" / f"{topic}-{partition}"
    (segment,) = folder.glob("*.log")
    raw, place = segment.read_bytes(), 0
    while place < len(raw) and int.from_bytes(raw[place : place + 8]) < end:
        place += 12 + int.from_bytes(raw[place + 8 : place + 12])
    segment.write_bytes(raw[:place])
    for left in (*folder.glob("*.index"), *folder.glob("*.timeindex"), *folder.glob("*.snapshot")):
        left.unlink()
    (folder / "leader-epoch-checkpoint").unlink(missing_ok=True)
    for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint", ".kafka_cleanshutdown"):
        (kafka.folder / "data" / name).unlink(missing_ok=True)
    kafka.start()
