"""The settings of the Grafana sync."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings


class GrafanaSettings(EnvironmentSettings):
    """Environment variables with the prefix ANDEN_GRAFANA_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_GRAFANA_")

    url: HttpUrl | None = Field(default=None, description="Grafana's URL; required by `manage.py dashboards sync`.")
    token: SecretStr = Field(default=SecretStr(""), description="Token of a service account with the role Admin.")
    ca: Path | None = Field(
        default=None, description="PEM file of the CA of Grafana's certificate; default: the system's CAs."
    )
    timeout_s: float = Field(default=10, gt=0, le=300, description="Timeout of one request to Grafana, in seconds.")
    tries: int = Field(
        default=5, ge=1, le=20, description="Maximum number of attempts while Grafana is unavailable or overloaded."
    )
    pause_s: float = Field(
        default=0.5, ge=0, le=30, description="Pause before the first retry, in seconds; doubles each time, up to 30."
    )
    revision: str = Field(
        default="",
        max_length=64,
        description="Git revision that a sync writes into Grafana; default: what git reports.",
    )
    drift_interval_s: float = Field(default=900, ge=60, description="Seconds between two checks for manual edits.")
    prometheus_url: HttpUrl = Field(
        default=HttpUrl("http://prometheus:9090"), description="Prometheus's URL, as Grafana reaches it."
    )
    alertmanager_url: HttpUrl = Field(
        default=HttpUrl("http://alertmanager:9093"), description="Alertmanager's URL, as Grafana reaches it."
    )
    runbooks_url: HttpUrl | None = Field(
        default=None, description="Public URL of docs/runbooks/; required, because Grafana's alert rules link to it."
    )
