"""The workers' consumer group, with confluent-kafka's admin client."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from apps.ingest.adapters.kafka_admin import ANSWER_S, TIMEOUT_S, KafkaAdmin
from apps.ingest.adapters.kafka_errors import cause, request_error
from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.records import GroupMember


class KafkaGroup:
    """Lists the members of one group."""

    def __init__(self, config: Mapping[str, Any], group_id: str) -> None:
        self._admin = KafkaAdmin(config)
        self._group_id = group_id

    def members(self) -> Sequence[GroupMember]:
        """The current members; empty if the group does not exist or is not visible to us.

        Lists the groups first, because a group appears there only once its coordinator has loaded it. If the client
        has to repeat a describe request, as after a broker's restart, an assertion in librdkafka 2.16 kills the
        process. Raises BrokerUnavailable, BrokerRefused.
        """
        with self._admin.request() as client:
            return self._described(client) if self._is_listed(client) else []

    def _is_listed(self, client: AdminClient) -> bool:
        try:
            listed = client.list_consumer_groups(request_timeout=TIMEOUT_S).result(ANSWER_S)
        except KafkaException as error:
            raise request_error(self._admin.where, error) from error
        if listed.errors:
            raise BrokerUnavailable(f"Kafka at {self._admin.where} does not list its groups yet: {listed.errors[0]}")
        return any(group.group_id == self._group_id for group in listed.valid or ())

    def _described(self, client: AdminClient) -> Sequence[GroupMember]:
        future = client.describe_consumer_groups([self._group_id], request_timeout=TIMEOUT_S)[self._group_id]
        try:
            description = future.result(ANSWER_S)
        except KafkaException as error:
            if cause(error).code() == KafkaError.GROUP_ID_NOT_FOUND:
                return []
            raise request_error(self._admin.where, error) from error
        return [GroupMember(member.client_id, member.host) for member in description.members]  # type: ignore[attr-defined]
