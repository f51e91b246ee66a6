"""The settings of the platform as a whole: secrets, hosts, databases, the job broker."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, PostgresDsn, SecretStr, TypeAdapter, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings

ROLES: Final = ("app", "owner", "ingest", "reader", "writer", "analyst")
"""The six database roles; `app` is Django's default alias."""

_DSN: Final = TypeAdapter(PostgresDsn)
CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class PlatformSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_ and belong to no single app."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_")

    secret_key: SecretStr = Field(min_length=32, description="Signs sessions and cursors; at least 32 characters.")
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="Former secret keys, still accepted for what they signed, comma-separated."
    )
    debug: bool = Field(default=False, description="Django's debug pages; never in production.")
    allowed_hosts: CommaSeparated = Field(
        default=("127.0.0.1", "localhost"), description="Host names that are answered, comma-separated."
    )
    csrf_trusted_origins: CommaSeparated = Field(
        default=(), description="Origins whose forms are accepted behind a proxy, comma-separated."
    )
    https: bool = Field(default=False, description="Cookies and redirects for HTTPS only; true behind TLS.")
    static_root: Path = Field(default=Path(".anden/static"), description="Where collectstatic puts its files.")
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Least severe line that is logged.",
    )
    database_app_url: SecretStr = Field(description="PostgreSQL as the role of Django's own tables.")
    database_owner_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as owner, for migrate, contracts and partitions; never the web."
    )
    database_ingest_url: SecretStr | None = Field(default=None, description="PostgreSQL as the workers' role.")
    database_reader_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as the role that reads rows for the API."
    )
    database_writer_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as the role of the API's writes."
    )
    database_analyst_url: SecretStr | None = Field(
        default=None, description="PostgreSQL as the role of BI tools; only made, never used by Andén."
    )
    database_monitor_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL as the role of postgres_exporter (pg_monitor, no row); only made, never used.",
    )
    database_admin_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL as administrator (CREATEROLE, CREATEDB), for `manage.py roles ensure` alone.",
    )
    database_pool: bool = Field(
        default=True,
        description="Whether a web process keeps connections between requests; false in a function on AWS Lambda.",
    )
    reader_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="Longest statement of the reader role, seconds."
    )
    writer_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="Longest statement of the role of the API's writes, seconds."
    )
    app_timeout_s: float = Field(
        default=300, gt=0, le=86_400, description="Longest statement of the role of web and background jobs, seconds."
    )
    steward_password: SecretStr | None = Field(
        default=None, min_length=8, description="Password that `manage.py steward create` sets; else made up."
    )
    celery_broker_url: SecretStr = Field(
        default=SecretStr("filesystem://"), description="Celery's broker: filesystem://, redis://…, sqs://."
    )
    celery_queue_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+/.*[^/]$",
        description="The queue of SQS, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; needed with sqs://.",
    )
    celery_folder: Path = Field(
        default=Path(".anden/celery"), description="Where the filesystem broker keeps its messages."
    )

    job_days: int = Field(default=90, ge=1, description="Days that a job is kept after its end.")

    @field_validator("allowed_hosts", "csrf_trusted_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("secret_key_fallbacks", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        keys = tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
        if isinstance(keys, tuple) and any(len(key) < 32 for key in keys):
            raise ValueError("each of its keys must have at least 32 characters")
        return keys

    @field_validator(*(f"database_{role}_url" for role in (*ROLES, "monitor", "admin")))
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            parsed = _DSN.validate_python(value.get_secret_value()) if value else None
        except ValueError:
            raise ValueError("must be postgresql://user:password@host:port/name") from None
        if parsed and not (parsed.path or "").strip("/"):
            raise ValueError("names no database after the host")
        return value

    @model_validator(mode="after")
    def _sqs_has_its_queue(self) -> Self:
        if self.celery_broker_url.get_secret_value().startswith("sqs:") and not self.celery_queue_url:
            raise ValueError("ANDEN_CELERY_QUEUE_URL is missing: with sqs:// the worker reads a queue that is there")
        return self

    def timeouts_s(self) -> dict[str, float]:
        """The longest statement of each role that is bounded, seconds: ingest and the owner are not."""
        readers = dict.fromkeys(("reader", "analyst", "monitor"), self.reader_timeout_s)
        return {**readers, "writer": self.writer_timeout_s, "app": self.app_timeout_s}

    def database_urls(self) -> dict[str, str]:
        """The URL of each role that is set, by role."""
        urls = {role: getattr(self, f"database_{role}_url") for role in ROLES}
        return {role: url.get_secret_value() for role, url in urls.items() if url is not None}
