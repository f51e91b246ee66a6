"""The settings of datasets."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from apps.datasets.core.settings import EnvironmentSettings


class DatasetsSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_DATASETS_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_DATASETS_")

    ledger_days: int = Field(default=400, ge=1, description="Days that the ledger keeps its batches.")
    tombstone_days: int = Field(
        default=30,
        ge=1,
        description="Days that a deleted row of an upsert dataset is remembered; longer than a topic is replayed.",
    )
