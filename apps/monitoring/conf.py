"""The settings of monitoring."""

from pathlib import Path

from pydantic import Field
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
