"""Runs a program that refuses to be root, without changing the mode of any existing folder.

PostgreSQL refuses user id 0. If this process is root, the program runs in a user namespace that maps it to another id:
nothing is copied or changes owner, and folders of mode 0700 above it do not matter. Where namespaces are forbidden
(many containers), it runs as an unprivileged user, from a folder that this user can reach.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.errors import StartFailed

UNPRIVILEGED_USER: Final = "nobody"
# Survives a reboot, unlike /tmp, and every user can traverse it.
_FALLBACK_PARENT: Final = Path("/var/tmp")  # noqa: S108 - the folder below it is checked and private


@dataclass(frozen=True)
class UnprivilegedLaunch:
    """How to start a program that refuses to be root: command prefix, programs, data folder, user id."""

    become: tuple[str, ...]
    programs: Path
    data: Path
    user_id: int | None = None

    def own(self, path: Path) -> Path:
        """Change the path's owner to the user that the program runs as; return the path."""
        if self.user_id is not None:
            os.chown(path, self.user_id, -1)
        return path


def unprivileged_launch(programs: Path, data: Path, *, libraries: Path) -> UnprivilegedLaunch:
    """How to run `programs` (which need `libraries`) with the folder `data`.

    Raises StartFailed: this process is root and cannot change its user.
    """
    if os.geteuid() != 0:
        return UnprivilegedLaunch((), programs, data)
    become = _in_namespace()
    if shutil.which("unshare") and _works([*become, "true"]):
        return UnprivilegedLaunch(become, programs, data)
    return launch_as_other_user(programs, data, libraries=libraries)


def _in_namespace() -> tuple[str, ...]:
    """A command prefix that maps root to a user id with a name, which initdb looks up."""
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return ("unshare", "-U", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")


def launch_as_other_user(programs: Path, data: Path, *, libraries: Path) -> UnprivilegedLaunch:
    """How to run as the unprivileged user: next to `data` if that user can reach it, else below /var/tmp."""
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if not shutil.which("setpriv") or not _works([*become, "true"]):
        raise StartFailed(
            "PostgreSQL does not run as root, and this system allows neither `unshare -U` nor `setpriv`: "
            "run this as an unprivileged user"
        )
    reachable = _works([*become, "test", "-x", str(data.parent)])
    home = _private_folder(data.with_name(user.pw_name) if reachable else fallback_folder(data), user.pw_uid)
    # `test` rather than the program: setpriv itself can still access what the new user cannot.
    if not _works([*become, "test", "-x", str(programs / "bin" / "postgres")]):
        programs = _copied(programs, libraries, home / "programs")
    return UnprivilegedLaunch(become, programs, home / "data", user.pw_uid)


def _copied(programs: Path, libraries: Path, home: Path) -> Path:
    """Copy programs and libraries below `home`, keeping their relative paths."""
    copy = home / programs.parent.name / programs.name
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(programs, copy, symlinks=True)
        shutil.copytree(libraries, home / libraries.name)
        (home / "complete").touch()
    return copy


def fallback_folder(data: Path) -> Path:
    """The folder to use if the unprivileged user cannot reach `data`; the same at every start."""
    digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return _FALLBACK_PARENT / f"anden-{digest}"


def _private_folder(path: Path, user_id: int) -> Path:
    """Create the folder, owned by the user and closed to all others.

    Raises StartFailed: it exists and belongs to someone else, so its contents cannot be trusted.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if path.is_symlink() or found.st_uid != user_id or found.st_mode & 0o077:
            raise StartFailed(f"{path} belongs to another user: remove it and try again") from None
    os.chown(path, user_id, -1)
    return path


def _works(command: list[str]) -> bool:
    """Whether the command succeeds."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
