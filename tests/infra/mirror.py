"""Where Terraform's providers lie on this machine, for those who have no network."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.requirement import skip_or_fail

PROVIDER = "registry.terraform.io/hashicorp/aws"


def _candidates() -> Iterator[Path]:
    """Folders that may hold a mirror: those that Terraform itself looks into, and what is installed beside it."""
    yield from (Path.home() / ".terraform.d/plugins", Path("/usr/local/share/terraform/plugins"))
    for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local")):
        yield from sorted(path.parents[2] for path in root.glob(f"**/{PROVIDER}"))


def terraform() -> str:
    """The program."""
    return shutil.which("terraform") or skip_or_fail("terraform is not installed: get version 1.11 or newer")


def init(folder: Path, *, backend: bool = False) -> None:
    """Make a root ready without an account: from a mirror where one is found, else over the network.

    Its backend is made ready, too, where asked for: only a copy's, whose state lies beside it.
    """
    mirror = next((path for path in _candidates() if (path / PROVIDER).is_dir()), None)
    words = [f"-plugin-dir={mirror}"] if mirror else []
    # What is locked is what is tried: a mirror that holds anything else is refused.
    words += ["-lockfile=readonly"] if (folder / ".terraform.lock.hcl").is_file() else []
    done = subprocess.run(
        [terraform(), "init", f"-backend={str(backend).lower()}", "-input=false", "-no-color", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and mirror is None:
        skip_or_fail(
            f"neither a mirror of Terraform's providers nor their registry can be reached: {done.stderr.strip()}"
        )
    assert done.returncode == 0, done.stderr
