"""Settings that belong to no single app: secrets, hosts, databases, the job broker."""

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
    """General variables, with the prefix ANDEN_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_")

    secret_key: SecretStr = Field(min_length=32, description="Signs sessions and cursors; at least 32 characters.")
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="Former secret keys whose signatures are still accepted, comma-separated."
    )
    debug: bool = Field(default=False, description="Enables Django's debug mode; never in production.")
    allowed_hosts: CommaSeparated = Field(
        default=("127.0.0.1", "localhost"), description="Host names that the server accepts, comma-separated."
    )
    csrf_trusted_origins: CommaSeparated = Field(
        default=(), description="Trusted origins for forms behind a proxy, comma-separated."
    )
    https: bool = Field(default=False, description="Secure cookies and redirects to HTTPS; set to true behind TLS.")
    static_root: Path = Field(default=Path(".anden/static"), description="Output folder of collectstatic.")
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Minimum severity of logged lines.",
    )
    database_app_url: SecretStr = Field(description="PostgreSQL URL of the app role, for Django's own tables.")
    database_owner_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URL of the owner, for migrate, contracts, partitions; not for the web.",
    )
    database_ingest_url: SecretStr | None = Field(default=None, description="PostgreSQL URL of the workers' role.")
    database_reader_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of the role for the API's reads."
    )
    database_writer_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of the role for the API's writes."
    )
    database_analyst_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of the role for BI tools; Andén creates the role but never uses it."
    )
    database_monitor_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URL of postgres_exporter's role (pg_monitor, no rows); created but never used.",
    )
    database_admin_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URL of an administrator (CREATEROLE, CREATEDB), only for `manage.py roles ensure`.",
    )
    database_pool: bool = Field(
        default=True,
        description="Keep database connections open between requests; set to false on AWS Lambda.",
    )
    reader_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="Statement timeout of the reader role, seconds."
    )
    writer_timeout_s: float = Field(
        default=30, gt=0, le=3600, description="Statement timeout of the writer role, seconds."
    )
    app_timeout_s: float = Field(
        default=300, gt=0, le=86_400, description="Statement timeout of the app role (web, background jobs), seconds."
    )
    steward_password: SecretStr | None = Field(
        default=None, min_length=8, description="Password that `manage.py steward create` sets; generated if unset."
    )
    celery_broker_url: SecretStr = Field(
        default=SecretStr("filesystem://"), description="Celery's broker: filesystem:// or sqs://."
    )
    celery_queue_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+/.*[^/]$",
        description="The SQS queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; required with sqs://.",
    )
    celery_folder: Path = Field(
        default=Path(".anden/celery"), description="Folder for the filesystem broker's messages."
    )

    job_days: int = Field(default=90, ge=1, description="Days to keep a job after it has ended.")

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
            raise ValueError("must name a database after the host")
        return value

    @model_validator(mode="after")
    def _sqs_has_its_queue(self) -> Self:
        if self.celery_broker_url.get_secret_value().startswith("sqs:") and not self.celery_queue_url:
            raise ValueError("ANDEN_CELERY_QUEUE_URL is missing: sqs:// needs an existing queue")
        return self

    def timeouts_s(self) -> dict[str, float]:
        """The statement timeout by role, seconds; ingest and owner have none."""
        readers = dict.fromkeys(("reader", "analyst", "monitor"), self.reader_timeout_s)
        return {**readers, "writer": self.writer_timeout_s, "app": self.app_timeout_s}

    def database_urls(self) -> dict[str, str]:
        """The URLs that are set, by role."""
        urls = {role: getattr(self, f"database_{role}_url") for role in ROLES}
        return {role: url.get_secret_value() for role, url in urls.items() if url is not None}
