"""Collects the API's zip: Django and its dependencies, our own code, and the static files of /api/docs."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.markers import Marker

ROOT: Final = Path(__file__).resolve().parents[1]
REQUIREMENTS: Final = ("requirements/base.txt", "requirements/function.txt")
PROJECT_CODE: Final = {
    "apps": ROOT / "apps",
    "config": ROOT / "platform/config",
    "functions": ROOT / "platform/functions",
}

REQUIREMENT: Final = re.compile(r"^(\S+==\S+)(?: ; (.+?))? \\\n((?: +--hash=\S+(?: \\)?\n)+)", re.MULTILINE)
"""A requirement as uv writes it: pin, marker, hashes."""

EXCLUDED_PACKAGES: Final = {
    "aws-msk-iam-sasl-signer-python": "only workers use Kafka",
    "click-repl": "Celery's shell",
    "confluent-kafka": "only workers use Kafka",
    "grafana-client": "a job syncs dashboards",
    "grafana-foundation-sdk": "dashboards are rendered in advance",
    "gunicorn": "Lambda is the server",
    "markdown-it-py": "comes with rich",
    "mdurl": "comes with rich",
    "prompt-toolkit": "Celery's shell",
    "rich": "only for command-line output",
    "verlib2": "comes with grafana-client",
    "wcwidth": "Celery's shell",
}
"""Packages that no API request imports, with the reason."""

SERVICES: Final = frozenset({"secretsmanager", "sqs", "sts"})
"""Services whose botocore models are included; all of them would be 28 MB."""

EXCLUDED_STATIC: Final = ("admin", "console", "gis", "redoc", "unfold")
"""Static files of pages that the gateway does not serve."""

EXCLUDED_SUFFIXES: Final = frozenset({".c", ".h", ".po", ".pxd", ".pyc", ".pyi", ".pyx"})
INSTALLER_FILES: Final = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
EXCLUDED_FOLDERS: Final = frozenset({"__pycache__", "bin", "tests"})


@dataclass(frozen=True)
class Target:
    """A Python version and platforms, as pip names them; without platforms, this machine's."""

    python: str = ""
    platforms: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Pip's options for this target."""
        if not self.platforms:
            return []
        abis = (f"cp{self.python.replace('.', '')}", "abi3", "none")
        words = ["--python-version", self.python, "--implementation", "cp"]
        words += [word for abi in abis for word in ("--abi", abi)]
        return words + [word for platform in self.platforms for word in ("--platform", platform)]

    def wants(self, marker: str) -> bool:
        """Whether the marker applies to this target; pip would evaluate it for its own Python."""
        known = {"python_version": self.python, "python_full_version": f"{self.python}.0"} if self.python else {}
        return Marker(marker).evaluate(known)


LAMBDA: Final = Target(
    "3.12", (*(f"manylinux_2_{minor}_aarch64" for minor in (34, 28, 27, 17)), "manylinux2014_aarch64")
)
"""The runtime python3.12 on arm64, like the probe's function: Amazon Linux 2023, glibc 2.34."""

HERE: Final = Target()


class PackagesMissing(Exception):
    """pip could not install every package: the message is pip's."""


def install(target: Target, folder: Path) -> None:
    """Install the API's packages for this target into the folder, verified by hash.

    Raises PackagesMissing.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text("\n".join(requirements(target)), encoding="utf-8")
        words = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps"]
        # pip would check Requires-Python against its own version; the pins already match the target's.
        words += ["--require-hashes", "--only-binary", ":all:", "--ignore-requires-python"]
        words += ["--target", str(folder), "-r", str(wanted)]
        command = [sys.executable, "-m", "pip", "install", *words, *target.words()]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise PackagesMissing(done.stderr.strip())


def requirements(target: Target) -> Iterator[str]:
    """Yield each included package's pinned, hashed requirement, without its marker."""
    for path in REQUIREMENTS:
        text = re.sub(r"^ *#.*\n", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
        for pin, marker, hashes in REQUIREMENT.findall(text):
            if re.split(r"[=\[]", pin)[0] not in EXCLUDED_PACKAGES and (not marker or target.wants(marker)):
                yield f"{pin} \\\n{hashes}"


def collect(folder: Path) -> None:
    """Collect the static files of /api/docs into the folder, with hashed names as on the web server."""
    environment = {
        "ANDEN_STATIC_ROOT": str(folder),
        # Required by the settings, but not used here.
        "ANDEN_SECRET_KEY": "only-while-the-zip-is-built-0123456789",
        "ANDEN_DATABASE_APP_URL": "postgresql://unused@127.0.0.1:1/unused",
    }
    words = ["collectstatic", "--no-input", "--verbosity", "0"]
    words += [word for name in EXCLUDED_STATIC for word in ("--ignore", name)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANDEN_", "DJANGO_"))}
    subprocess.run([sys.executable, ROOT / "manage.py", *words], env={**kept, **environment}, check=True)


def contents(packages: Path, static: Path) -> Mapping[str, Path]:
    """The source file of each name in the zip."""
    sources = {"": packages, "static": static, **PROJECT_CODE}
    return {
        str(PurePosixPath(prefix, relative)): path
        for prefix, folder in sources.items()
        for path in folder.rglob("*")
        if path.is_file() and is_read(relative := PurePosixPath(path.relative_to(folder).as_posix()), prefix == "")
    }


def is_read(path: PurePosixPath, of_a_package: bool) -> bool:
    """Whether the running function needs this file."""
    if path.suffix in EXCLUDED_SUFFIXES or EXCLUDED_FOLDERS & set(path.parts[:-1]):
        return False
    if not of_a_package:
        return True
    if path.name in INSTALLER_FILES or ("static" in path.parts and path.suffix != ".py"):
        return False
    services = path.parts[:2] == ("botocore", "data") and len(path.parts) > 3
    return not services or path.parts[2] in SERVICES
