"""The settings of datasets."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from apps.datasets.core.contract.classification import STRICT, ClassificationPolicy, normalize
from apps.telemetry.environment import EnvironmentSettings

Words = Annotated[tuple[str, ...], NoDecode]


class DatasetsSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_DATASETS_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_DATASETS_")

    ledger_days: int = Field(default=400, ge=1, description="Days that the ledger keeps its batches.")
    tombstone_days: int = Field(
        default=30,
        ge=1,
        description="Days that a deleted row of an upsert dataset is remembered; longer than a topic is replayed.",
    )
    public_classifications: Words = Field(
        default=tuple(sorted(STRICT.public)),
        description="Classifications that hide nothing, comma-separated, in any letter case: every other one hides. "
        "The same in every process; run `manage.py migrate` after a change.",
    )
    hidden_tags: Words = Field(
        default=tuple(sorted(STRICT.hidden_tags)),
        description="Words that hide where a tag, or a customProperty's name, holds one, or several words in a row, "
        "however they are parted: `personal data`; comma-separated. "
        "The same in every process; run `manage.py migrate` after a change.",
    )

    @field_validator("public_classifications", "hidden_tags", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @property
    def classification_policy(self) -> ClassificationPolicy:
        """What the two settings say of a contract's columns."""
        return ClassificationPolicy(
            frozenset(map(normalize, self.public_classifications)), frozenset(self.hidden_tags)
        )
