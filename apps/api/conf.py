"""The settings of api."""

from pydantic_settings import SettingsConfigDict

from apps.datasets.core.settings import EnvironmentSettings


class ApiSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_API_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_API_")
