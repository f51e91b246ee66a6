"""An MSK client always has a valid token, although each is valid for only fifteen minutes."""

import time
from collections.abc import Callable
from typing import Final

import pytest
from confluent_kafka import Consumer

from apps.ingest.adapters.kafka_client import consumer_config
from apps.ingest.conf import KafkaSettings

# Fifteen minutes, 45 times faster. The client checks once a second, and a busy machine delays it.
LIFETIME_S: Final = 20.0
TOKENS: Final = 2


@pytest.mark.property(13)
def test_the_client_renews_its_token_before_it_expires(
    monkeypatch: pytest.MonkeyPatch, evidence: Callable[[str], None]
) -> None:
    requested: list[float] = []

    def sign(_region: str) -> tuple[str, int]:
        requested.append(time.time())
        return f"token-{len(requested)}", int((requested[-1] + LIFETIME_S) * 1000)

    monkeypatch.setattr("aws_msk_iam_sasl_signer.MSKAuthTokenProvider.generate_auth_token", sign)
    settings = KafkaSettings(
        bootstrap_servers="127.0.0.1:1",
        security_protocol="SASL_SSL",
        sasl_mechanism="AWS_MSK_IAM",
        aws_region="eu-west-1",
    )
    consumer = Consumer(consumer_config(settings))
    try:
        until = time.monotonic() + 3 * LIFETIME_S
        while len(requested) < TOKENS and time.monotonic() < until:
            consumer.poll(0.02)
    finally:
        consumer.close()
    assert len(requested) == TOKENS
    first, second = requested
    # Neither too early nor too late.
    assert LIFETIME_S / 2 < second - first < LIFETIME_S
    evidence(f"the client renewed its token after {(second - first) / LIFETIME_S:.0%} of the first one's lifetime")
