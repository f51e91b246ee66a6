"""The settings of telemetry."""

from pathlib import Path

from pydantic import Field, HttpUrl
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings


class MonitoringSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_MONITORING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_MONITORING_")

    metrics_folder: Path | None = Field(
        default=None,
        description="Folder that all processes of a machine share for their metrics; needed as soon as there "
        "is more than one process. PROMETHEUS_MULTIPROC_DIR counts, too.",
    )


class TracingSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_TRACING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_TRACING_")

    endpoint: HttpUrl | None = Field(
        default=None,
        description="OpenTelemetry collector that takes spans over OTLP/HTTP, such as http://collector:4318; "
        "nothing is traced when unset.",
    )
    sample_ratio: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of requests and batches that are traced, where no caller has decided already.",
    )
    service: str = Field(
        default="anden", min_length=1, max_length=64, description="Name of the service in traces (service.name)."
    )
