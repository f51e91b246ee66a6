"""The settings of datasets."""

from pydantic_settings import SettingsConfigDict

from apps.datasets.core.settings import EnvironmentSettings


class DatasetsSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_DATASETS_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_DATASETS_")
