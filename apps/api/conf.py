"""The settings of api, and of the web server that it stands behind."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from apps.telemetry.environment import EnvironmentSettings, SettingsInvalid


class ApiSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_API_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_API_")

    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, le=16_777_216, description="Largest record that a write may send, bytes."
    )
    max_response_bytes: int = Field(
        default=4_194_304,
        ge=65_536,
        le=268_435_456,
        description="Largest page or record of an answer, bytes: a page ends earlier, a record omits large fields.",
    )
    lock_timeout_s: float = Field(
        default=5, gt=0, le=60, description="Longest wait of a write for a row that another writer holds, seconds."
    )
    max_exports: int | None = Field(
        default=None,
        ge=1,
        le=63,
        description="Exports that one web process streams at a time, fewer than ANDEN_WEB_THREADS, one fewer when "
        "unset; each holds a connection of the reader role.",
    )
    export_timeout_s: float = Field(
        default=900, gt=0, le=86_400, description="Longest export, seconds; pages have ANDEN_READER_TIMEOUT_S."
    )


class WebSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_WEB_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_WEB_")

    bind: str = Field(default="127.0.0.1:8000", min_length=1, description="Address that the web server listens on.")
    workers: int = Field(default=2, ge=1, le=64, description="Its processes.")
    threads: int = Field(default=4, ge=2, le=64, description="Requests that one process works on at a time.")
    connections: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Connections that one process holds; above, the one that has waited longest for its client "
        "is closed. A process opens up to 250 files more.",
    )
    header_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Seconds in which a request's header must be there: counted from the connection for the first, "
        "from its first byte for those that follow.",
    )
    body_timeout_s: float = Field(
        default=30, gt=0, le=600, description="Seconds in which a request's whole body must be there."
    )
    write_timeout_s: float = Field(
        default=30,
        gt=0,
        le=600,
        description="Seconds in which a client must take each 256 KiB of an answer, or the connection is cut.",
    )
    keep_alive_s: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="Seconds that a connection stays open for another request; longer than the idle timeout of a "
        "load balancer before it.",
    )
    grace_s: int = Field(
        default=30, ge=1, le=3600, description="Seconds that requests have to end when the web server is stopped."
    )


def export_slots(api: ApiSettings, web: WebSettings) -> int:
    """How many exports a process streams at a time.

    Raises SettingsInvalid: they could take every thread, and nothing else would be answered.
    """
    if api.max_exports is None:
        return web.threads - 1
    if api.max_exports >= web.threads:
        raise SettingsInvalid(f"ANDEN_API_MAX_EXPORTS: must be below ANDEN_WEB_THREADS, which is {web.threads}")
    return api.max_exports
