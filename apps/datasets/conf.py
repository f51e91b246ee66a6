"""Settings of datasets."""

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
        description="Days that an upsert dataset keeps tombstones; make it longer than a topic may be replayed.",
    )
    public_classifications: Words = Field(
        default=tuple(sorted(STRICT.public)),
        description="Classifications that hide nothing, comma-separated, case-insensitive: every other one hides. "
        "Set the same in every process; run `manage.py migrate` after a change.",
    )
    hidden_tags: Words = Field(
        default=tuple(sorted(STRICT.hidden_tags)),
        description="Words that hide a column if a tag, or a customProperty's name, contains one, comma-separated. "
        "Several words in a row match however they are separated: `personal data`. "
        "Set the same in every process; run `manage.py migrate` after a change.",
    )

    @field_validator("public_classifications", "hidden_tags", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @property
    def classification_policy(self) -> ClassificationPolicy:
        """The classification policy that the two settings define."""
        return ClassificationPolicy(
            frozenset(map(normalize, self.public_classifications)), frozenset(self.hidden_tags)
        )
