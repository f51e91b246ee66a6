"""The workers' consumer group, by confluent-kafka's admin client."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from apps.ingest.adapters.kafka_errors import cause, request_error
from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.records import GroupMember

TIMEOUT_S: Final = 5.0


class KafkaGroup:
    """Asks for the members of one group."""

    def __init__(self, config: Mapping[str, Any], group_id: str) -> None:
        self._where = str(config["bootstrap.servers"])
        self._admin = AdminClient(dict(config))
        self._group_id = group_id

    def members(self) -> Sequence[GroupMember]:
        """Who is in it now; nobody in a group that does not exist yet. Raises BrokerUnavailable, BrokerRefused.

        The groups are listed first: that fails as an error while a broker has just come back and loads them, where a
        description for which the client has to ask twice ends the process (an assertion in librdkafka 2.16).
        """
        self._wait_for_groups()
        return self._described()

    def _wait_for_groups(self) -> None:
        try:
            listed = self._admin.list_consumer_groups(request_timeout=TIMEOUT_S).result(TIMEOUT_S + 1)
        except KafkaException as error:
            raise request_error(self._where, error) from error
        if listed.errors:
            raise BrokerUnavailable(f"Kafka at {self._where} does not list its groups yet: {listed.errors[0]}")

    def _described(self) -> Sequence[GroupMember]:
        future = self._admin.describe_consumer_groups([self._group_id], request_timeout=TIMEOUT_S)[self._group_id]
        try:
            description = future.result(TIMEOUT_S + 1)
        except KafkaException as error:
            if cause(error).code() == KafkaError.GROUP_ID_NOT_FOUND:
                return []
            raise request_error(self._where, error) from error
        return [GroupMember(member.client_id, member.host) for member in description.members]  # type: ignore[attr-defined]
