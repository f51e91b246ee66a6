import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from embedded.postgres import WHEEL
from embedded.unprivileged import fallback_folder, launch_as_other_user


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_unreachable_programs_run_from_a_copy_with_their_libraries(tmp_path: Path) -> None:
    spec = find_spec(WHEEL)
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    install = shutil.copytree(package / "pginstall18", closed / WHEEL / "pginstall18", symlinks=True)
    libraries = shutil.copytree(package.with_name(f"{WHEEL}.libs"), closed / f"{WHEEL}.libs")
    fallback = fallback_folder(closed / "data")
    try:
        launch = launch_as_other_user(install, closed / "data", libraries=libraries)
        assert launch.programs.is_relative_to(fallback)
        version = subprocess.run(
            [*launch.become, launch.programs / "bin" / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        ).stdout
        assert version.startswith("postgres (PostgreSQL) 18")
    finally:
        shutil.rmtree(fallback, ignore_errors=True)
