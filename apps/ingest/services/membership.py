"""Check that the consumer group serves one database; in a shared group each gets only some records."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from apps.ingest.core.backoff import Interval
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, GroupShared, RetriableStoreError
from apps.ingest.core.identity import PREFIX, client_id, foreign_workers, other_clients
from apps.ingest.core.ports import ConsumerGroup
from apps.ingest.core.records import GroupMember

LOGGER: Final = logging.getLogger("apps.ingest")
WATCH_S: Final = 15.0
PATIENCE_S: Final = 45.0
"""How long an existing worker tolerates a newcomer, which should leave when it finds us."""


class Membership:
    """Checks for workers of other databases in the group: before joining, before reading, and while reading.

    A newcomer finds them before it takes a partition. If two join simultaneously, each finds the other before it
    reads, and both leave.
    """

    def __init__(self, group: ConsumerGroup, *, group_id: str, database: Callable[[], str]) -> None:
        self._group = group
        self._group_id = group_id
        self._database = database
        self._client_id = client_id(database())
        self._confirmed = False
        self._warned = False
        self._other_clients = ""
        self._watch_due = Interval(WATCH_S)
        self._shared_s: float | None = None

    @property
    def client_id(self) -> str:
        """The client id of this worker's consumer."""
        return self._client_id

    def enter(self) -> None:
        """Check before the first subscription. Raises GroupShared, BrokerUnavailable."""
        if not self._confirmed and (found := foreign_workers(self._members(), self._client_id)):
            raise GroupShared(self._shared_message(found))

    def confirm(self) -> None:
        """Check again once partitions are assigned, before reading. Raises GroupShared, BrokerUnavailable."""
        if self._confirmed:
            return
        members = self._members()
        if found := foreign_workers(members, self._client_id):
            raise GroupShared(self._shared_message(found))
        if self._client_id == PREFIX:
            LOGGER.warning(
                "the database's identity is unknown, so workers of another database cannot detect this one in the "
                "consumer group %s: grant the role of ANDEN_DATABASE_INGEST_URL EXECUTE on pg_control_system()",
                self._group_id,
            )
        elif all(member.client_id != self._client_id for member in members):
            self._warn_unknown("Kafka does not list this worker")
        self._confirmed = True

    def watch(self, now_s: float) -> None:
        """Check while reading, every few seconds.

        Raises GroupShared: a worker of another database stays in the group, or this worker's database was replaced.
        """
        if not self._confirmed or not self._watch_due.due(now_s):
            return
        try:
            self._check_own_database()
            found = foreign_workers(self._members(), self._client_id)
        except (BrokerUnavailable, RetriableStoreError):
            return
        if not found:
            self._shared_s = None
        elif self._shared_s is None:
            self._shared_s = now_s
            LOGGER.error("%s", self._shared_message(found))
        elif now_s - self._shared_s >= PATIENCE_S:
            raise GroupShared(self._shared_message(found))

    def _check_own_database(self) -> None:
        now = client_id(self._database())
        if now != self._client_id:
            raise GroupShared(
                f"this worker joined its consumer group as {self._client_id}, but its database is now {now}: "
                f"restart it"
            )

    def _members(self) -> Sequence[GroupMember]:
        try:
            members = self._group.members()
        except BrokerRefused as error:
            self._warn_unknown(str(error))
            return []
        self._warn_other_clients(_join_names(other_clients(members)))
        return members

    def _warn_other_clients(self, names: str) -> None:
        if names and names != self._other_clients:
            LOGGER.warning(
                "other programs are in the consumer group %s: %s. Records of the partitions that Kafka assigns to "
                "them are not stored: set ANDEN_KAFKA_GROUP_ID to a name that only Andén uses, or stop the others",
                *(self._group_id, names),
            )
        self._other_clients = names

    def _warn_unknown(self, why: str) -> None:
        if not self._warned:
            LOGGER.warning(
                "cannot check the consumer group %s for workers of another database (%s): grant Andén's Kafka user "
                "Describe on the group",
                *(self._group_id, why),
            )
        self._warned = True

    def _shared_message(self, found: list[GroupMember]) -> str:
        return (
            f"workers of another database are in the consumer group {self._group_id}: {_join_names(found)}; this one "
            f"is {self._client_id}. Each database would get only some of the records: set ANDEN_KAFKA_GROUP_ID to "
            f"a name that only this installation uses, or stop the other workers"
        )


def _join_names(members: list[GroupMember]) -> str:
    return ", ".join(sorted({f"{member.client_id} at {member.host.lstrip('/')}" for member in members}))
