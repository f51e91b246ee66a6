"""Settings of the API and of the web server that serves it."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings, SettingsInvalid


class ApiSettings(EnvironmentSettings):
    """Variables with the prefix ANDEN_API_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_API_")

    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, le=16_777_216, description="Maximum size of a request body, bytes."
    )
    max_response_bytes: int = Field(
        default=4_194_304,
        ge=65_536,
        le=268_435_456,
        description="Maximum size of a page or record, bytes. A larger page ends early; a larger record "
        "omits its largest fields.",
    )
    lock_timeout_s: float = Field(
        default=5, gt=0, le=60, description="How long a write waits for a row that another write has locked, seconds."
    )
    max_exports: int | None = Field(
        default=None,
        ge=1,
        le=63,
        description="Concurrent exports per web process, fewer than ANDEN_WEB_THREADS. Unset means one fewer. Each "
        "holds a connection of the reader role.",
    )
    export_timeout_s: float = Field(
        default=900,
        gt=0,
        le=86_400,
        description="Maximum duration of an export, seconds. For pages, set ANDEN_READER_TIMEOUT_S.",
    )


class WebSettings(EnvironmentSettings):
    """Variables with the prefix ANDEN_WEB_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_WEB_")

    bind: str = Field(default="127.0.0.1:8000", min_length=1, description="Host and port the web server listens on.")
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes.")
    threads: int = Field(default=4, ge=2, le=64, description="Concurrent requests per process.")
    connections: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Open connections per process. Above this, the connection that has waited longest for its "
        "client is closed. A process opens up to 250 more files.",
    )
    header_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Timeout for receiving a request's header, seconds: from the connection for the first request, "
        "from its first byte for later ones.",
    )
    body_timeout_s: float = Field(
        default=30, gt=0, le=600, description="Timeout for receiving a request's complete body, seconds."
    )
    write_timeout_s: float = Field(
        default=30,
        gt=0,
        le=600,
        description="Timeout for a client to read each 256 KiB of a response, seconds. Then it is disconnected.",
    )
    keep_alive_s: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="How long an idle connection stays open for another request, seconds. Must exceed the idle "
        "timeout of a load balancer in front.",
    )
    grace_s: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="How long running requests may take to finish when the web server stops, seconds.",
    )


def export_slots(api: ApiSettings, web: WebSettings) -> int:
    """Concurrent exports per process.

    Raises SettingsInvalid: exports could occupy every thread and block all other requests.
    """
    if api.max_exports is None:
        return web.threads - 1
    if api.max_exports >= web.threads:
        raise SettingsInvalid(f"ANDEN_API_MAX_EXPORTS: must be below ANDEN_WEB_THREADS, which is {web.threads}")
    return api.max_exports
