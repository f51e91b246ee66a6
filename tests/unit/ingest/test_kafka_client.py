"""The Kafka client's configuration: security from settings, no automatic offsets."""

import time
from typing import Any

import pytest
from pydantic import ValidationError

from apps.ingest.adapters import kafka_client
from apps.ingest.adapters.kafka_client import client_config, consumer_config, msk_token
from apps.ingest.adapters.kafka_consumer import KafkaConsumer
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.conf import KafkaSettings

SCRAM: dict[str, Any] = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "u",
    "sasl_password": "p",
}


def test_a_consumer_never_resets_offsets_and_never_commits_automatically() -> None:
    config = consumer_config(KafkaSettings())
    assert config["auto.offset.reset"] == "error"
    assert config["enable.auto.commit"] is False
    assert config["fetch.queue.backoff.ms"] == 10
    assert config["security.protocol"] == "PLAINTEXT"
    assert not any(name.startswith(("sasl.", "ssl.")) for name in config)


@pytest.mark.parametrize("servers", ["broker", "broker:0", "broker:65536", "broker:9092,", "a b:9092"])
def test_an_invalid_broker_list_is_refused(servers: str) -> None:
    with pytest.raises(ValidationError, match="must be host:port"):
        KafkaSettings(bootstrap_servers=servers)


def test_the_new_group_protocol_sets_no_session_timeout() -> None:
    config = consumer_config(KafkaSettings(group_protocol="consumer"))
    assert config["group.protocol"] == "consumer"
    assert "session.timeout.ms" not in config
    assert "partition.assignment.strategy" not in config


def test_scram_and_mutual_tls_set_their_names_and_files(tmp_path: Any) -> None:
    config = client_config(
        KafkaSettings(**SCRAM, ssl_ca=tmp_path / "ca", ssl_certificate=tmp_path / "c", ssl_key=tmp_path / "k")
    )
    assert (config["sasl.mechanisms"], config["sasl.username"], config["sasl.password"]) == ("SCRAM-SHA-512", "u", "p")
    assert config["ssl.ca.location"] == str(tmp_path / "ca")
    assert config["ssl.certificate.location"] == str(tmp_path / "c")
    assert config["ssl.key.location"] == str(tmp_path / "k")


def test_msk_requests_a_new_token_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    config = client_config(
        KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM", aws_region="eu-west-1")
    )
    assert config["sasl.mechanisms"] == "OAUTHBEARER"
    assert callable(config["oauth_cb"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A" * 20)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s" * 40)
    token, expires_s = msk_token("eu-west-1")("")
    assert token
    # Seconds, with fifteen minutes left: as milliseconds, the token would last 50,000 years.
    assert 1.7e9 < expires_s < 1e11
    assert kafka_client.CONSUMING["isolation.level"] == "read_committed"


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"sasl_mechanism": "PLAIN"}, "goes with ANDEN_KAFKA_SECURITY_PROTOCOL"),
        ({"security_protocol": "SASL_SSL"}, "goes with ANDEN_KAFKA_SECURITY_PROTOCOL"),
        ({**SCRAM, "sasl_password": ""}, "needs ANDEN_KAFKA_SASL_USERNAME and ANDEN_KAFKA_SASL_PASSWORD"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "AWS_MSK_IAM", "aws_region": "x"}, "needs"),
        ({"ssl_key": "/k"}, "go together"),
        ({"bootstrap_servers": "not a host"}, "host:port"),
        ({"bootstrap_servers": "a:1,b"}, "host:port"),
    ],
)
def test_inconsistent_settings_are_refused_with_their_rule(wrong: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        KafkaSettings(**wrong)


@pytest.mark.parametrize(
    "settings",
    [
        KafkaSettings(),
        KafkaSettings(group_protocol="consumer"),
        KafkaSettings(**SCRAM),
        KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM", aws_region="eu-west-1"),
    ],
    ids=["plain", "new protocol", "scram", "msk"],
)
def test_the_client_accepts_every_configuration(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A" * 20)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s" * 40)
    unreachable = settings.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})
    KafkaConsumer(consumer_config(unreachable)).close()
    KafkaTopicAdmin(client_config(unreachable))


def test_missing_credentials_log_one_line_and_are_retried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("aws_msk_iam_sasl_signer.MSKAuthTokenProvider.generate_auth_token", lambda _region: 1 / 0)
    token, expires_s = msk_token("eu-west-1")("")
    assert token == "none"
    assert expires_s - time.time() <= kafka_client.RETRY_TOKEN_S
    assert "no MSK token" in caplog.text
