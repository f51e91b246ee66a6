"""Every trouble is one line that says what, where, and what to do; no line of a log holds a secret."""

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
    ("trouble", "kind", "says"),
    [
        (CloudWatchFault("Throttling"), SourceThrottled, "more calls than the account may send"),
        (CloudWatchFault("RequestLimitExceeded", 503), SourceThrottled, "more calls than the account may send"),
        (CloudWatchFault("InternalServiceError", 500), SourceUnavailable, "trying again may help"),
        (CloudWatchFault("ServiceUnavailable", 503), SourceUnavailable, "trying again may help"),
        (CloudWatchFault("AccessDenied", 403), SourceRefused, "IAM action cloudwatch:GetMetricData"),
        (CloudWatchFault("ExpiredToken", 403), SourceRefused, "session token has expired"),
        (CloudWatchFault("InvalidClientTokenId", 403), SourceRefused, "access key is not known"),
        (CloudWatchFault("SignatureDoesNotMatch", 403), SourceRefused, "secret key does not fit"),
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
def test_each_answer_of_trouble_has_its_reaction_and_its_line(
    fake: FakeCloudWatch, boto: BotoCloudWatch, trouble: CloudWatchFault, kind: type[MonitoringError], says: str
) -> None:
    fake.troubles.append(trouble)
    with pytest.raises(MonitoringError) as raised:
        ask(boto)
    line = str(raised.value)
    assert type(raised.value) is kind
    assert says in line
    assert fake.url in line, "the line says where"
    assert "\n" not in line
    assert fake.calls["GetMetricData"] == 1, "boto3 sent it once: its own retries would be billed unseen"


def test_an_unknown_key_and_an_expired_token_are_refused(fake: FakeCloudWatch, boto: BotoCloudWatch) -> None:
    fake.expired_tokens.add(SECRETS["AWS_SESSION_TOKEN"])
    with pytest.raises(SourceRefused, match="session token has expired"):
        ask(boto)
    fake.secrets.clear()
    with pytest.raises(SourceRefused, match="access key is not known"):
        ask(boto)


def test_another_secret_is_refused(fake: FakeCloudWatch, boto: BotoCloudWatch) -> None:
    fake.secrets["AKIDFAKE"] = "not what the environment says"
    with pytest.raises(SourceRefused, match="secret key does not fit the access key"):
        ask(boto)


@pytest.mark.parametrize("ahead_s", [-400, 400])
def test_a_clock_that_is_minutes_off_is_named(fake: FakeCloudWatch, boto: BotoCloudWatch, ahead_s: float) -> None:
    fake.wall = lambda: time.time() + ahead_s
    with pytest.raises(SourceRefused, match="this machine's clock is wrong"):
        ask(boto)


@pytest.mark.parametrize("lacking", ["connection", "credentials", "an answer", "a right"])
def test_only_what_certainly_never_left_costs_nothing(
    fake: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lacking: str
) -> None:
    budget, clock = MemoryRequestBudget(), Clock()
    if lacking == "credentials":
        for name in SECRETS:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fake.slow_s = 0.6 if lacking == "an answer" else 0.0
    fake.denied = {"GetMetricData"} if lacking == "a right" else set()
    with reached(fake, timeout_s=0.2) as boto:
        if lacking == "connection":
            fake.__exit__()
        with pytest.raises((SourceUnavailable, SourceRefused)):
            list(metered(boto, clock, budget).ask(functions(13), QueryWindow(0, 60, 60)))
    tries = {"connection": 0, "credentials": 0, "an answer": TRIES, "a right": 1}[lacking]
    assert (list(budget.requested.values()), list(budget.calls.values())) == ([13 * tries], [tries])


def test_nobody_there_is_away(fake: FakeCloudWatch) -> None:
    with reached(fake) as boto:
        fake.__exit__()
        with pytest.raises(SourceUnavailable, match="cannot be reached: look at the network"):
            ask(boto)


def test_without_a_region_nothing_is_asked() -> None:
    with pytest.raises(SourceRefused, match="ANDEN_CLOUDWATCH_REGION"):
        BotoCloudWatch(region="")


def test_without_credentials_the_line_says_how_to_give_them(
    fake: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with reached(fake) as boto, pytest.raises(SourceRefused, match="no AWS credentials were found: give the pod"):
        ask(boto)
    assert not fake.calls


def test_no_log_line_holds_a_secret_even_at_debug(fake: FakeCloudWatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake.troubles.append(CloudWatchFault("AccessDenied", 403))
    with reached(fake) as boto:
        with pytest.raises(SourceRefused) as raised:
            ask(boto)
        ask(boto)
        boto.put("anden-x", '{"widgets": []}')
    assert fake.calls["GetMetricData"] == 2
    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    told = logged + repr(raised.value) + repr(raised.value.__cause__)
    for name, secret in SECRETS.items():
        assert secret not in told, f"{name} was logged"
    assert "Authorization" not in told


def test_the_test_above_would_see_a_secret(caplog: pytest.LogCaptureFixture, fake: FakeCloudWatch) -> None:
    with reached(fake) as boto:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="botocore")
        ask(boto)
    assert SECRETS["AWS_SESSION_TOKEN"] in "\n".join(record.getMessage() for record in caplog.records)
