"""The environment variables of `make run`'s processes, and the secrets in `.anden/`."""

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.ports import LOOPBACK

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class StationFolder:
    """Paths inside `.anden/`, where `make run` keeps its state."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def metrics(self) -> Path:
        """The files through which the processes share their metrics."""
        return self.path / "metrics"

    @property
    def fleet(self) -> Path:
        """The files that the fleet simulation writes and the evaluation reads."""
        return self.path / "fleet"

    @property
    def demo_key(self) -> Path:
        """The demo client's API key; the database stores only a hash."""
        return self.path / "demo-key"

    @property
    def probe_key(self) -> Path:
        """The integration probe's API key."""
        return self.path / "probe-key"

    def steward_password(self) -> str:
        """The password of the login `steward`."""
        return stored_secret(self.path / "steward-password", length=12)

    def secret_key(self) -> str:
        """Django's secret key."""
        return stored_secret(self.path / "secret-key", length=48)


def station_environment(folder: StationFolder, *, database_urls: Mapping[str, str], bootstrap: str) -> dict[str, str]:
    """Every variable that differs from a cluster's."""
    return {
        **database_urls,
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "ANDEN_SECRET_KEY": folder.secret_key(),
        "ANDEN_STEWARD_PASSWORD": folder.steward_password(),
        "ANDEN_DEBUG": "false",
        "ANDEN_ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "ANDEN_STATIC_ROOT": str(folder.path / "static"),
        "ANDEN_CELERY_BROKER_URL": "filesystem://",
        "ANDEN_CELERY_FOLDER": str(folder.path / "celery"),
        "ANDEN_MONITORING_METRICS_FOLDER": str(folder.metrics),
        "PROMETHEUS_MULTIPROC_DIR": str(folder.metrics),
        "ANDEN_FLEET_SOURCE": "file",
        "ANDEN_FLEET_FILE": str(folder.fleet),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        # Ahead of the virtualenv's editable install, which may be of another checkout.
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "PYTHONUNBUFFERED": "1",
    }


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Write the variables to a file that you can source before running manage.py."""
    write_secret(path, "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))


def stored_secret(path: Path, *, length: int) -> str:
    """The secret in this file, generated on the first call; only the owner can read the file."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(length))
    return path.read_text().strip()


def write_secret(path: Path, text: str) -> None:
    """Write the text atomically to a file that only its owner can read."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(f"{text}\n")
    fresh.rename(path)
