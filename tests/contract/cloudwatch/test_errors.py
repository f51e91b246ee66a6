"""Every error is one line with what failed, where, and what to do; no log line contains a secret."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.cloudwatch.client.boto import BotoCloudWatch
from apps.cloudwatch.client.budget import MemoryRequestBudget
from apps.cloudwatch.collector.batching import QueryWindow
from apps.cloudwatch.collector.rate_limit import TRIES
from apps.telemetry.errors import MonitoringError, SourceRefused, SourceThrottled, SourceUnavailable
from tests.contract.cloudwatch.clouds import SECRETS, Clock, functions, metered, reached
from tests.fakes.cloudwatch.fake import CloudWatchFault, FakeCloudWatch


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloudWatch]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with FakeCloudWatch() as fake:
        yield fake


def ask(boto: BotoCloudWatch) -> None:
    boto.page(functions(1), start_s=0, end_s=60)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (CloudWatchFault("Throttling"), SourceThrottled, "rate exceeded"),
        (CloudWatchFault("RequestLimitExceeded", 503), SourceThrottled, "rate exceeded"),
        (CloudWatchFault("InternalServiceError", 500), SourceUnavailable, "try again later"),
        (CloudWatchFault("ServiceUnavailable", 503), SourceUnavailable, "try again later"),
        (CloudWatchFault("AccessDenied", 403), SourceRefused, "IAM action cloudwatch:GetMetricData"),
        (CloudWatchFault("ExpiredToken", 403), SourceRefused, "session token has expired"),
        (CloudWatchFault("InvalidClientTokenId", 403), SourceRefused, "access key is unknown"),
        (CloudWatchFault("SignatureDoesNotMatch", 403), SourceRefused, "secret key does not match"),
        (
            CloudWatchFault(
                "SignatureDoesNotMatch", 403, message="Signature expired: 20261124T000000Z is now earlier than"
            ),
            SourceRefused,
            "clock is wrong",
        ),
        (CloudWatchFault("RequestTimeTooSkewed", 403), SourceRefused, "clock is wrong"),
        (CloudWatchFault("ValidationError", message="Something is odd"), SourceRefused, "Something is odd"),
    ],
    ids=lambda value: value.code if isinstance(value, CloudWatchFault) else None,
)
def test_each_error_response_raises_its_exception_with_one_line(
    fake: FakeCloudWatch, boto: BotoCloudWatch, fault: CloudWatchFault, kind: type[MonitoringError], message: str
) -> None:
    fake.faults.append(fault)
    with pytest.raises(MonitoringError) as raised:
        ask(boto)
    line = str(raised.value)
    assert type(raised.value) is kind
    assert message in line
    assert fake.url in line, "the line has the URL"
    assert "\n" not in line
    assert fake.calls["GetMetricData"] == 1, "boto3 sent it once: its retries would be billed but not counted"


def test_an_unknown_key_and_an_expired_token_raise_source_refused(fake: FakeCloudWatch, boto: BotoCloudWatch) -> None:
    fake.expired_tokens.add(SECRETS["AWS_SESSION_TOKEN"])
    with pytest.raises(SourceRefused, match="session token has expired"):
        ask(boto)
    fake.secrets.clear()
    with pytest.raises(SourceRefused, match="access key is unknown"):
        ask(boto)


def test_a_wrong_secret_raises_source_refused(fake: FakeCloudWatch, boto: BotoCloudWatch) -> None:
    fake.secrets["AKIDFAKE"] = "another secret"
    with pytest.raises(SourceRefused, match="secret key does not match the access key"):
        ask(boto)


@pytest.mark.parametrize("ahead_s", [-400, 400])
def test_a_clock_minutes_off_is_named(fake: FakeCloudWatch, boto: BotoCloudWatch, ahead_s: float) -> None:
    fake.wall = lambda: time.time() + ahead_s
    with pytest.raises(SourceRefused, match="this machine's clock is wrong"):
        ask(boto)


@pytest.mark.parametrize("lacking", ["connection", "credentials", "a response", "a right"])
def test_only_a_call_that_was_never_sent_is_free(
    fake: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lacking: str
) -> None:
    budget, clock = MemoryRequestBudget(), Clock()
    if lacking == "credentials":
        for name in SECRETS:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fake.slow_s = 0.6 if lacking == "a response" else 0.0
    fake.denied = {"GetMetricData"} if lacking == "a right" else set()
    with reached(fake, timeout_s=0.2) as boto:
        if lacking == "connection":
            fake.__exit__()
        with pytest.raises((SourceUnavailable, SourceRefused)):
            list(metered(boto, clock, budget).fetch(functions(13), QueryWindow(0, 60, 60)))
    tries = {"connection": 0, "credentials": 0, "a response": TRIES, "a right": 1}[lacking]
    assert (list(budget.requested.values()), list(budget.calls.values())) == ([13 * tries], [tries])


def test_a_closed_port_raises_source_unavailable(fake: FakeCloudWatch) -> None:
    with reached(fake) as boto:
        fake.__exit__()
        with pytest.raises(SourceUnavailable, match="is unreachable: check the network"):
            ask(boto)


def test_a_missing_region_raises_source_refused() -> None:
    with pytest.raises(SourceRefused, match="ANDEN_CLOUDWATCH_REGION"):
        BotoCloudWatch(region="")


def test_missing_credentials_raise_with_the_ways_to_set_them(
    fake: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with reached(fake) as boto, pytest.raises(SourceRefused, match="no AWS credentials found: give the pod"):
        ask(boto)
    assert not fake.calls


def test_no_log_line_contains_a_secret_even_at_debug(fake: FakeCloudWatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake.faults.append(CloudWatchFault("AccessDenied", 403))
    with reached(fake) as boto:
        with pytest.raises(SourceRefused) as raised:
            ask(boto)
        ask(boto)
        boto.put("anden-x", '{"widgets": []}')
    assert fake.calls["GetMetricData"] == 2
    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    text = logged + repr(raised.value) + repr(raised.value.__cause__)
    for name, secret in SECRETS.items():
        assert secret not in text, f"{name} was logged"
    assert "Authorization" not in text


def test_botocore_at_debug_logs_a_secret(caplog: pytest.LogCaptureFixture, fake: FakeCloudWatch) -> None:
    with reached(fake) as boto:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="botocore")
        ask(boto)
    assert SECRETS["AWS_SESSION_TOKEN"] in "\n".join(record.getMessage() for record in caplog.records)
