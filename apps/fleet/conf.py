"""Settings of the fleet evaluation."""

from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.telemetry.environment import EnvironmentSettings


class FleetSettings(EnvironmentSettings):
    """Environment variables with the prefix ANDEN_FLEET_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_FLEET_")

    source: Literal["prometheus", "file", "cloudwatch"] = Field(
        default="prometheus", description="Where `manage.py fleet evaluate` reads the signals of the services."
    )
    file: Path | None = Field(
        default=None, description="CSV or NPZ file, or folder of such files, for the source `file`."
    )
    prometheus_url: HttpUrl = Field(
        default=HttpUrl("http://prometheus:9090"), description="Base URL of Prometheus; its API is below /api/v1."
    )
    prometheus_timeout_s: float = Field(
        default=30, gt=0, le=600, description="Seconds until a query times out and Prometheus counts as unavailable."
    )
    prometheus_headers: dict[str, SecretStr] = Field(
        default={},
        description='HTTP headers of every request as JSON, for example {"Authorization": "Bearer …"} or a tenant ID.',
    )
    signals: Path | None = Field(
        default=None, description="YAML file with the query of each signal; by default OpenTelemetry's metric names."
    )
    window_s: int = Field(default=3600, ge=120, le=DAY_S, description="Length of the evaluated window, seconds.")
    step_s: int = Field(default=60, ge=1, le=3600, description="Seconds between two points; must divide a day.")
    days: int = Field(default=7, ge=0, le=28, description="Earlier days whose same minutes form the baseline.")
    every_s: float = Field(default=60, ge=1, description="Seconds between two evaluations.")
    stale_after_s: float = Field(
        default=300,
        ge=10,
        description="Seconds after which the newest evaluation is stale: all services count as no data.",
    )
    forget_after_s: float = Field(
        default=86_400, ge=300, description="Seconds without data after which a service is no longer expected."
    )
    keep_days: int = Field(default=8, ge=1, description="Days to keep evaluations; a daily task deletes older ones.")

    @model_validator(mode="after")
    def _window_in_steps(self) -> "FleetSettings":
        try:
            self.span()
        except ValueError as error:
            raise ValueError(f"ANDEN_FLEET_WINDOW_S, ANDEN_FLEET_STEP_S: {error}") from error
        return self

    def span(self) -> ObservationSpan:
        """The window and the days that an evaluation reads."""
        return ObservationSpan(window_s=self.window_s, step_s=self.step_s, days=self.days)
