"""The Kafka client's configuration from the settings, for consumers, producers and admin clients."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from apps.ingest.conf import KafkaSettings

Config = dict[str, Any]

LOGGER: Final = logging.getLogger("apps.ingest.kafka")

RETRY_TOKEN_S: Final = 10
"""The lifetime of the placeholder after a failed token request; then the client requests another."""

CONSUMING: Final = {
    # With the default of 1000 the consumer sleeps a second whenever its queue is full.
    "fetch.queue.backoff.ms": 10,
    "fetch.wait.max.ms": 100,
    "queued.min.messages": 40_000,
    "queued.max.messages.kbytes": 32 * 1024,
    # Positions are in the database. A reset would silently skip or repeat records.
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
}


def client_config(settings: KafkaSettings) -> Config:
    """The configuration of any client: brokers, TLS and SASL."""
    config: Config = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "client.id": "anden",
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2_000,
        "topic.metadata.refresh.interval.ms": 10_000,
        "socket.keepalive.enable": True,
        "logger": LOGGER,
        # librdkafka repeats its warnings every second during an outage; error_cb reports once.
        "log_level": 2,
    }
    if settings.security_protocol.endswith("SSL"):
        config |= _tls(settings)
    if settings.sasl_mechanism:
        config |= _sasl(settings)
    return config


def consumer_config(settings: KafkaSettings) -> Config:
    """The configuration of a worker's consumer: adds the group and disables offset resets."""
    config = client_config(settings) | CONSUMING | {"group.id": settings.group_id}
    if settings.group_protocol == "consumer":
        return config | {"group.protocol": "consumer"}
    return config | {
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(300, settings.session_timeout_ms // 5),
    }


def _tls(settings: KafkaSettings) -> Config:
    files = {
        "ssl.ca.location": settings.ssl_ca,
        "ssl.certificate.location": settings.ssl_certificate,
        "ssl.key.location": settings.ssl_key,
    }
    config: Config = {name: str(path) for name, path in files.items() if path is not None}
    if password := settings.ssl_key_password.get_secret_value():
        config["ssl.key.password"] = password
    return config


def _sasl(settings: KafkaSettings) -> Config:
    if settings.sasl_mechanism == "AWS_MSK_IAM":
        return {"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": msk_token(settings.aws_region)}
    return {
        "sasl.mechanisms": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": settings.sasl_password.get_secret_value(),
    }


def msk_token(region: str) -> Callable[[str], tuple[str, float]]:
    """The client's callback for a new MSK token and its expiry, in seconds since 1970.

    Tokens last 15 minutes; the client renews them after four fifths of that.
    """

    # Imports boto3, which would cost every other worker 30 MiB.
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415

    def renew(_config: str) -> tuple[str, float]:
        try:
            token, expiry_ms = MSKAuthTokenProvider.generate_auth_token(region)
        except Exception as error:  # noqa: BLE001 - an exception here would break the client, which is C
            LOGGER.error("no MSK token: %s; retrying in %d s", error, RETRY_TOKEN_S)  # noqa: TRY400
            return "none", time.time() + RETRY_TOKEN_S
        return str(token), float(expiry_ms) / 1000

    return renew
