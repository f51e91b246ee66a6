"""The base of every app's typed settings, and the error for an invalid variable."""

import re
from collections.abc import Iterable
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

Settings = TypeVar("Settings", bound="EnvironmentSettings")


class SettingsInvalid(Exception):
    """A variable is invalid: fix the environment."""


class EnvironmentSettings(BaseSettings):
    """Settings read from the environment; `docs/settings.md` lists the field descriptions."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)


def load(kind: type[Settings]) -> Settings:
    """The settings of this class, read from the environment.

    Raises SettingsInvalid: names each invalid variable and its rule, never its value.
    """
    try:
        return kind()
    except SettingsError as error:
        # A compound value that cannot be parsed; pydantic names the field, not the variable.
        field = re.search(r'field "(\w+)"', str(error))
        name = variable_name(kind, field[1]) if field else kind.__name__
        raise SettingsInvalid(f"{name}: cannot be parsed, it must be JSON") from None
    except ValidationError as error:
        lines = [_line(kind, item["loc"], _rule(item)) for item in error.errors()]
        raise SettingsInvalid("\n".join(sorted(lines))) from None


def invalid_lines(error: SettingsInvalid) -> list[str]:
    """One line for each invalid variable of any settings class, where `error` ended at the first class."""
    lines = str(error).splitlines()
    for kind in EnvironmentSettings.__subclasses__():
        try:
            load(kind)
        except SettingsInvalid as other:
            lines += str(other).splitlines()
    return list(dict.fromkeys(lines))


def settings_of(module: object) -> list[EnvironmentSettings]:
    """The settings objects among the upper-case names of a settings module, such as `django.conf.settings`."""
    found = (getattr(module, name) for name in dir(module) if name.isupper())
    return [value for value in found if isinstance(value, EnvironmentSettings)]


def variables_set(groups: Iterable[EnvironmentSettings]) -> set[str]:
    """The variables that were set when these settings were read."""
    return {variable_name(type(group), field) for group in groups for field in group.model_fields_set}


def variable_name(kind: type[EnvironmentSettings], field: str) -> str:
    """The variable that sets this field of the class."""
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def _rule(item: ErrorDetails) -> str:
    # pydantic's message would reveal the length of a secret.
    if item["type"] == "too_short" and item["ctx"].get("field_type") == "Value":
        return f"must have at least {item['ctx']['min_length']} characters"
    return item["msg"].removeprefix("Value error, ")


def _line(kind: type[EnvironmentSettings], place: tuple[int | str, ...], rule: str) -> str:
    # A rule between several variables names them in its message.
    return f"{variable_name(kind, str(place[0]))}: {rule}" if place else rule
