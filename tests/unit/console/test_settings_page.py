"""The settings page lists every variable with its default and rule, and never a value."""

from typing import Literal

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from apps.console.core.settings_page import settings_page
from apps.telemetry.environment import EnvironmentSettings


class TrainSettings(EnvironmentSettings):
    """Variables that begin with TRAIN_."""

    model_config = SettingsConfigDict(env_prefix="TRAIN_")

    speed: int = Field(default=80, ge=1, le=300, description="Fastest | ever.")
    kind: Literal["", "freight", "night"] = Field(default="", description="What it carries.")
    whistle: SecretStr = Field(min_length=3, description="Its tune.")
    maybe: SecretStr | None = Field(default=None, description="Another.")
    late: bool = Field(default=True, description="Whether.")


class EmptySettings(EnvironmentSettings):
    """None."""


def test_each_variable_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAIN_WHISTLE", "tootootoot")
    page = settings_page([TrainSettings, EmptySettings])
    assert page.splitlines()[-5:] == [
        "| `TRAIN_SPEED` | `80` | whole number, ≥ 1, ≤ 300 | Fastest \\| ever. |",
        "| `TRAIN_KIND` | none | one of `freight`, `night` | What it carries. |",
        "| `TRAIN_WHISTLE` | **required** | text, secret, length ≥ 3 | Its tune. |",
        "| `TRAIN_MAYBE` | none | text, secret | Another. |",
        "| `TRAIN_LATE` | `true` | true or false | Whether. |",
    ]
    assert "tootootoot" not in page
    assert page.count("## ") == 1
