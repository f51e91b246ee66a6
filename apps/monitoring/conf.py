"""The settings of monitoring."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from apps.datasets.core.settings import EnvironmentSettings


class MonitoringSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_MONITORING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_MONITORING_")

    metrics_folder: Path | None = Field(
        default=None,
        description="Folder that all processes of a machine share for their metrics; needed as soon as there "
        "is more than one process. PROMETHEUS_MULTIPROC_DIR counts, too.",
    )


class GrafanaSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_GRAFANA_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_GRAFANA_")

    url: HttpUrl | None = Field(
        default=None, description="Where Grafana answers; `manage.py dashboards sync` needs it."
    )
    token: SecretStr = Field(default=SecretStr(""), description="A service account's token; its role must be Admin.")
    prometheus_url: HttpUrl = Field(
        default=HttpUrl("http://prometheus:9090"), description="Where Grafana finds Prometheus."
    )


class CloudWatchSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_CLOUDWATCH_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_CLOUDWATCH_")


class FleetSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_FLEET_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_FLEET_")


class TracingSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_TRACING_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_TRACING_")
