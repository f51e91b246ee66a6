"""The base of every app's typed settings, and how a wrong variable is told."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Settings = TypeVar("Settings", bound="EnvironmentSettings")


class SettingsInvalid(Exception):
    """A variable breaks its rule: mend the environment."""


class EnvironmentSettings(BaseSettings):
    """Settings read from the environment; each field's description goes into the docs."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)


def load(kind: type[Settings]) -> Settings:
    """The settings of this class, read from the environment.

    Raises SettingsInvalid: names each wrong variable and its rule, never its value.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        lines = [_line(prefix, item["loc"], item["msg"]) for item in error.errors()]
        raise SettingsInvalid("\n".join(sorted(lines))) from None


def _line(prefix: str, place: tuple[int | str, ...], message: str) -> str:
    rule = message.removeprefix("Value error, ")
    # A rule between several variables names them itself.
    return f"{prefix}{place[0]}".upper() + f": {rule}" if place else rule
