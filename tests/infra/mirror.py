"""Terraform's provider mirror on this machine, for use without a network."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.requirement import skip_or_fail

PROVIDER = "registry.terraform.io/hashicorp/aws"


def _candidates() -> Iterator[Path]:
    """Directories that may contain a mirror: Terraform's own search path, and installed packages."""
    yield from (Path.home() / ".terraform.d/plugins", Path("/usr/local/share/terraform/plugins"))
    for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local")):
        yield from sorted(path.parents[2] for path in root.glob(f"**/{PROVIDER}"))


def terraform() -> str:
    """Path of the terraform program."""
    return shutil.which("terraform") or skip_or_fail("terraform is not installed: install version 1.11 or newer")


def init(folder: Path, *, backend: bool = False) -> None:
    """Run `terraform init` without an account, from a mirror if there is one, else over the network.

    With `backend`, initialise the backend too: only for a copy with local state.
    """
    mirror = next((path for path in _candidates() if (path / PROVIDER).is_dir()), None)
    options = [f"-plugin-dir={mirror}"] if mirror else []
    # Test the locked versions: reject a mirror with other ones.
    options += ["-lockfile=readonly"] if (folder / ".terraform.lock.hcl").is_file() else []
    done = subprocess.run(
        [terraform(), "init", f"-backend={str(backend).lower()}", "-input=false", "-no-color", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and mirror is None:
        skip_or_fail(f"neither a provider mirror nor the registry can be reached: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
