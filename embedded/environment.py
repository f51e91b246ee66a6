"""The environment of the station's processes, and the secrets that it keeps in its folder."""

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
    """Where everything that the station keeps lies: `.anden/`."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def metrics(self) -> Path:
        """The files in which the processes share their metrics."""
        return self.path / "metrics"

    @property
    def fleet(self) -> Path:
        """The files that the simulated fleet writes and its evaluation reads."""
        return self.path / "fleet"

    @property
    def demo_key(self) -> Path:
        """The demo client's key, which the database knows only as a hash."""
        return self.path / "demo-key"

    @property
    def probe_key(self) -> Path:
        """The key of the integration check."""
        return self.path / "probe-key"

    def steward_password(self) -> str:
        """The password of the login `steward`."""
        return stored_secret(self.path / "steward-password", length=12)

    def secret_key(self) -> str:
        """Django's secret key."""
        return stored_secret(self.path / "secret-key", length=48)


def station_environment(folder: StationFolder, *, database_urls: Mapping[str, str], bootstrap: str) -> dict[str, str]:
    """Every variable that differs between this station and a cluster."""
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
        # Before the editable install of the environment, which may belong to another copy of the project.
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "PYTHONUNBUFFERED": "1",
    }


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Leave the variables as a file that a shell reads, so that manage.py speaks to this station."""
    write_secret(path, "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))


def stored_secret(path: Path, *, length: int) -> str:
    """The secret of this file, for its owner alone; made at the first call."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(length))
    return path.read_text().strip()


def write_secret(path: Path, text: str) -> None:
    """Leave the text in a file that nobody else may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(f"{text}\n")
    fresh.rename(path)
