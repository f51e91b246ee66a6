"""Variables that nothing reads are named; those of the Makefile, of Kubernetes and of others are left alone."""

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from apps.datasets.checks import known_names, unread, unread_variables
from apps.telemetry.environment import EnvironmentSettings, SettingsInvalid, load


def test_every_settings_class_is_known_by_its_prefix() -> None:
    known = set(known_names(EnvironmentSettings))
    assert {
        "ANDEN_SECRET_KEY",
        "ANDEN_KAFKA_GROUP_ID",
        "ANDEN_FLEET_SOURCE",
        "ANDEN_API_MAX_EXPORTS",
        "ANDEN_WEB_BIND",
    } <= known


@pytest.mark.parametrize(
    "name",
    [
        "ANDEN_RUN_SECONDS",
        "ANDEN_TEST_REQUIRE_ALL",
        "ANDEN_WEB_SERVICE_HOST",
        "ANDEN_WEB_SERVICE_PORT_HTTP",
        "ANDEN_WEB_PORT_8000_TCP_ADDR",
        "ANDENES",
        "HOME",
    ],
)
def test_names_of_others_are_left_alone(name: str) -> None:
    assert list(unread([name], ["ANDEN_DEBUG"])) == []


def test_a_name_typed_wrong_is_told_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_FLEET_SORCE", "file")
    told = [message for message in unread_variables() if "ANDEN_FLEET_SORCE" in message.msg]
    assert [message.hint for message in told] == ["Did you mean ANDEN_FLEET_SOURCE?"]


class Secret(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    secret: SecretStr = Field(min_length=32)


def test_a_short_secret_is_told_its_rule_and_not_how_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_SECRET", "short")
    with pytest.raises(SettingsInvalid) as told:
        load(Secret)
    assert str(told.value) == "TRIAL_SECRET: must have at least 32 characters"


class Headers(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    request_headers: dict[str, str] = {}


def test_a_value_that_is_no_json_names_its_variable_and_not_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_REQUEST_HEADERS", "{hidden")
    with pytest.raises(SettingsInvalid) as told:
        load(Headers)
    assert str(told.value) == "TRIAL_REQUEST_HEADERS: cannot be parsed, it must be JSON"
