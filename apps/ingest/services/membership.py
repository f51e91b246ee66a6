"""Whether this worker's consumer group belongs to one database: of a shared one, each database gets a part alone."""

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
"""How long who was here first goes on beside a newcomer, which leaves by itself when it sees us."""


class Membership:
    """Looks for workers of other databases in the group: before joining it, before reading, and while reading.

    A newcomer finds them before it takes a partition. Of two that join at the same moment, each finds the other
    before it reads, and both leave.
    """

    def __init__(self, group: ConsumerGroup, *, group_id: str, database: Callable[[], str]) -> None:
        self._group = group
        self._group_id = group_id
        self._database = database
        self._client_id = client_id(database())
        self._confirmed = False
        self._unknown = False
        self._other_clients = ""
        self._watch_due = Interval(WATCH_S)
        self._shared_s: float | None = None

    @property
    def client_id(self) -> str:
        """The name under which this worker's consumer joins."""
        return self._client_id

    def enter(self) -> None:
        """Look before the first subscription. Raises GroupShared, BrokerUnavailable."""
        if not self._confirmed and (found := foreign_workers(self._members(), self._client_id)):
            raise GroupShared(self._line(found))

    def confirm(self) -> None:
        """Look once more when partitions are ours, and nothing is read yet. Raises GroupShared, BrokerUnavailable."""
        if self._confirmed:
            return
        members = self._members()
        if found := foreign_workers(members, self._client_id):
            raise GroupShared(self._line(found))
        if self._client_id == PREFIX:
            LOGGER.warning(
                "this worker's database does not say which one it is, so that workers of another one do not find it "
                "in the consumer group %s: let the role of ANDEN_DATABASE_INGEST_URL execute pg_control_system()",
                self._group_id,
            )
        elif all(member.client_id != self._client_id for member in members):
            self._warn_unknown("Kafka does not show us our own member")
        self._confirmed = True

    def watch(self, now_s: float) -> None:
        """Look while reading, every few seconds.

        Raises GroupShared: a worker of another database stays in the group, or ours was replaced by another.
        """
        if not self._confirmed or not self._watch_due.due(now_s):
            return
        try:
            self._refuse_other_database()
            found = foreign_workers(self._members(), self._client_id)
        except (BrokerUnavailable, RetriableStoreError):
            return
        if not found:
            self._shared_s = None
        elif self._shared_s is None:
            self._shared_s = now_s
            LOGGER.error("%s", self._line(found))
        elif now_s - self._shared_s >= PATIENCE_S:
            raise GroupShared(self._line(found))

    def _refuse_other_database(self) -> None:
        now = client_id(self._database())
        if now != self._client_id:
            raise GroupShared(
                f"this worker joined its consumer group as {self._client_id}, and its database is {now} by now: "
                f"start it again"
            )

    def _members(self) -> Sequence[GroupMember]:
        try:
            members = self._group.members()
        except BrokerRefused as error:
            self._warn_unknown(str(error))
            return []
        self._warn_other_clients(_named(other_clients(members)))
        return members

    def _warn_other_clients(self, names: str) -> None:
        if names and names != self._other_clients:
            LOGGER.warning(
                "other programs are in the consumer group %s: %s. Nobody stores the records of the partitions that "
                "Kafka gives them: set ANDEN_KAFKA_GROUP_ID to a name of this station's own, or stop the others",
                *(self._group_id, names),
            )
        self._other_clients = names

    def _warn_unknown(self, why: str) -> None:
        if not self._unknown:
            LOGGER.warning(
                "cannot tell whether workers of another database are in the consumer group %s (%s): give this "
                "station's user Describe on the group",
                *(self._group_id, why),
            )
        self._unknown = True

    def _line(self, found: list[GroupMember]) -> str:
        return (
            f"workers of another database are in the consumer group {self._group_id}: {_named(found)}; this one is "
            f"{self._client_id}. Each database would get a part of the records: set ANDEN_KAFKA_GROUP_ID to a name "
            f"of this station's own, or stop the other"
        )


def _named(members: list[GroupMember]) -> str:
    return ", ".join(sorted({f"{member.client_id} at {member.host.lstrip('/')}" for member in members}))
