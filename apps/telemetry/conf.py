"""Settings of telemetry."""

from pathlib import Path

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings


class MonitoringSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_MONITORING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_MONITORING_")

    metrics_folder: Path | None = Field(
        default=None,
        description="Folder where all processes of a machine share their metrics; required with "
        "more than one process. PROMETHEUS_MULTIPROC_DIR works too.",
    )


class TracingSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_TRACING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_TRACING_")

    endpoint: HttpUrl | None = Field(
        default=None,
        description="OpenTelemetry collector that receives spans over OTLP/HTTP, such as http://collector:4318; "
        "tracing is off when unset.",
    )
    sample_ratio: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Fraction of requests and batches that are traced, unless the caller has already decided.",
    )
    service: str = Field(
        default="anden", min_length=1, max_length=64, description="Service name in traces (service.name)."
    )
