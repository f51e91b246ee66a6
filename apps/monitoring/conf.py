"""The settings of monitoring."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings


class GrafanaSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_GRAFANA_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_GRAFANA_")

    url: HttpUrl | None = Field(
        default=None, description="Where Grafana answers; `manage.py dashboards sync` needs it."
    )
    token: SecretStr = Field(default=SecretStr(""), description="A service account's token; its role must be Admin.")
    ca: Path | None = Field(
        default=None, description="PEM file of the authority of Grafana's certificate; the usual ones when unset."
    )
    timeout_s: float = Field(default=10, gt=0, le=300, description="Seconds that one request to Grafana may take.")
    tries: int = Field(
        default=5, ge=1, le=20, description="How often a request is sent while Grafana is away or overloaded."
    )
    pause_s: float = Field(
        default=0.5, ge=0, le=30, description="First pause between two tries, seconds; doubles, at most 30."
    )
    revision: str = Field(
        default="", max_length=64, description="Git revision that a sync writes into Grafana; asked of git when empty."
    )
    drift_interval_s: float = Field(default=900, ge=60, description="Seconds between two looks for edits by hand.")
    prometheus_url: HttpUrl = Field(
        default=HttpUrl("http://prometheus:9090"), description="Where Grafana finds Prometheus."
    )
    alertmanager_url: HttpUrl = Field(
        default=HttpUrl("http://alertmanager:9093"), description="Where Grafana finds Alertmanager."
    )
    runbooks_url: HttpUrl | None = Field(
        default=None, description="Where people read docs/runbooks/; alert rules in Grafana link to it and need it."
    )
