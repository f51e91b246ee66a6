from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.errors import FolderInUse
from embedded.kafka import EmbeddedKafka


def _consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """The values of the topic's first partition, from its beginning."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = consumer.consume(count, timeout=20)
    consumer.close()
    assert all(message.error() is None for message in messages)
    return [message.value() for message in messages]


def test_records_survive_a_kill_and_the_port_stays(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kafka", quick=True) as server:
        bootstrap = server.bootstrap
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        client.create_topics([NewTopic("t", 1, 1)])["t"].result(20)
        producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0})
        for number in range(100):
            producer.produce("t", str(number))
        assert producer.flush(20) == 0
        server.kill()
        assert not server.running
        server.start()
        assert server.bootstrap == bootstrap
        assert _consume(bootstrap, "t", 100) == [str(number).encode() for number in range(100)]


def test_an_unknown_topic_is_not_created(kafka_server: EmbeddedKafka) -> None:
    client = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    topics = client.list_topics("never-made", timeout=20).topics
    error = topics["never-made"].error
    assert error is not None
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_second_broker_in_the_same_folder_is_refused(kafka_server: EmbeddedKafka) -> None:
    with pytest.raises(FolderInUse, match="already runs in"):
        EmbeddedKafka(kafka_server.folder, quick=True).start()
