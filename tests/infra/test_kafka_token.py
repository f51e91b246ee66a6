"""A client of MSK has a valid token at every moment, though each lives for fifteen minutes only."""

import time
from collections.abc import Callable
from typing import Final

import pytest
from confluent_kafka import Consumer

from apps.ingest.adapters.kafka_client import consumer_config
from apps.ingest.conf import KafkaSettings

# Fifteen minutes, 45 times faster: the client looks once a second, and a machine that others use holds it up besides.
LIFE_S: Final = 20.0
TOKENS: Final = 2


@pytest.mark.property(13)
def test_the_client_asks_for_the_next_token_before_the_last_one_ends(
    monkeypatch: pytest.MonkeyPatch, evidence: Callable[[str], None]
) -> None:
    asked: list[float] = []

    def sign(_region: str) -> tuple[str, int]:
        asked.append(time.time())
        return f"token-{len(asked)}", int((asked[-1] + LIFE_S) * 1000)

    monkeypatch.setattr("aws_msk_iam_sasl_signer.MSKAuthTokenProvider.generate_auth_token", sign)
    settings = KafkaSettings(
        bootstrap_servers="127.0.0.1:1",
        security_protocol="SASL_SSL",
        sasl_mechanism="AWS_MSK_IAM",
        aws_region="eu-west-1",
    )
    consumer = Consumer(consumer_config(settings))
    try:
        until = time.monotonic() + 3 * LIFE_S
        while len(asked) < TOKENS and time.monotonic() < until:
            consumer.poll(0.02)
    finally:
        consumer.close()
    assert len(asked) == TOKENS
    first, second = asked
    # Neither in vain, nor when it is too late.
    assert LIFE_S / 2 < second - first < LIFE_S
    evidence(
        f"the client asked for its second token when {(second - first) / LIFE_S:.0%} of the first one's life was over"
    )
