"""Unknown variables are named; those of the Makefile, of Kubernetes and of other programs are ignored."""

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
def test_names_of_other_programs_are_ignored(name: str) -> None:
    assert list(unread([name], ["ANDEN_DEBUG"])) == []


def test_a_misspelt_name_is_reported_with_the_closest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDEN_FLEET_SORCE", "file")
    found = [message for message in unread_variables() if "ANDEN_FLEET_SORCE" in message.msg]
    assert [message.hint for message in found] == ["Did you mean ANDEN_FLEET_SOURCE?"]


class Secret(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    secret: SecretStr = Field(min_length=32)


def test_a_short_secret_reports_its_rule_and_not_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_SECRET", "short")
    with pytest.raises(SettingsInvalid) as error:
        load(Secret)
    assert str(error.value) == "TRIAL_SECRET: must have at least 32 characters"


class Headers(EnvironmentSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    request_headers: dict[str, str] = {}


def test_a_value_that_is_not_json_names_its_variable_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_REQUEST_HEADERS", "{hidden")
    with pytest.raises(SettingsInvalid) as error:
        load(Headers)
    assert str(error.value) == "TRIAL_REQUEST_HEADERS: cannot be parsed, it must be JSON"
