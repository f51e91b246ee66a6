"""The settings of api."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from apps.datasets.core.settings import EnvironmentSettings


class ApiSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_API_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_API_")

    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, le=16_777_216, description="Largest record that a write may send, bytes."
    )
    max_answer_bytes: int = Field(
        default=4_194_304,
        ge=65_536,
        le=268_435_456,
        description="Largest page or record of an answer, bytes: a page ends earlier, a record omits large fields.",
    )
    write_wait_s: float = Field(
        default=5, gt=0, le=60, description="Longest wait of a write for a row that another writer holds, seconds."
    )
    exports: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Exports that one web process streams at a time; each holds a connection of the reader role.",
    )
    export_timeout_s: float = Field(
        default=900, gt=0, le=86_400, description="Longest export, seconds; pages have ANDEN_READER_TIMEOUT_S."
    )
