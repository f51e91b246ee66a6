"""The settings of the fleet's evaluation."""

from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.telemetry.environment import EnvironmentSettings


class FleetSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_FLEET_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_FLEET_")

    source: Literal["prometheus", "file", "cloudwatch"] = Field(
        default="prometheus", description="Where `manage.py fleet evaluate` reads the signals of services."
    )
    file: Path | None = Field(
        default=None, description="The CSV or NPZ file, or the folder of such files, that the source `file` reads."
    )
    prometheus_url: HttpUrl = Field(
        default=HttpUrl("http://prometheus:9090"), description="Where Prometheus answers; its API is below /api/v1."
    )
    prometheus_timeout_s: float = Field(
        default=30, gt=0, le=600, description="Seconds that one query may take before Prometheus counts as away."
    )
    prometheus_headers: dict[str, SecretStr] = Field(
        default={},
        description='Headers of every request as JSON, say {"Authorization": "Bearer …"} or a tenant\'s.',
    )
    signals: Path | None = Field(
        default=None, description="YAML file that says which PromQL gives which signal; else OpenTelemetry's names."
    )
    window_s: int = Field(default=3600, ge=120, le=DAY_S, description="Seconds of now that an evaluation looks at.")
    step_s: int = Field(default=60, ge=1, le=3600, description="Seconds between two points; divides a day.")
    days: int = Field(default=7, ge=0, le=28, description="Days before whose same minutes are a service's own usual.")
    every_s: float = Field(default=60, ge=1, description="Seconds between two evaluations.")
    stale_after_s: float = Field(
        default=300, ge=10, description="Seconds after which the newest evaluation tells nothing any more: no data."
    )
    forget_after_s: float = Field(
        default=86_400, ge=300, description="Seconds without data after which a service is no longer expected."
    )
    keep_days: int = Field(default=8, ge=1, description="Days that evaluations are kept, by a daily task.")

    @model_validator(mode="after")
    def _window_in_steps(self) -> "FleetSettings":
        try:
            self.span()
        except ValueError as error:
            raise ValueError(f"ANDEN_FLEET_WINDOW_S, ANDEN_FLEET_STEP_S: {error}") from error
        return self

    def span(self) -> ObservationSpan:
        """What an evaluation looks at."""
        return ObservationSpan(window_s=self.window_s, step_s=self.step_s, days=self.days)
