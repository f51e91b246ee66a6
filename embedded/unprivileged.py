"""Running a program that refuses to be root, without changing the mode of anyone's folder.

PostgreSQL refuses the user id 0. Where this process is root, the program runs in a user namespace that
shows it another id: nothing is copied or handed over, and folders of mode 0700 above it do not matter.
Where namespaces are forbidden (many containers) it runs as `nobody`, from a folder that nobody can reach.
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

_USER: Final = "nobody"
# Survives a restart of the machine, unlike /tmp, and everyone may pass through it.
_REACHABLE: Final = Path("/var/tmp")  # noqa: S108 - the folder below it is checked and private


@dataclass(frozen=True)
class UnprivilegedLaunch:
    """How to start a program that refuses to be root, and where."""

    become: tuple[str, ...]
    programs: Path
    data: Path
    user_id: int | None = None

    def own(self, path: Path) -> Path:
        """The path, handed over to the user the program runs as."""
        if self.user_id is not None:
            os.chown(path, self.user_id, -1)
        return path


def unprivileged_launch(programs: Path, data: Path, *, libraries: Path) -> UnprivilegedLaunch:
    """How to run what lies in `programs` (with its sibling folder `libraries`) over the folder `data`.

    Raises StartFailed: this process is root and the system lets it become nobody else.
    """
    if os.geteuid() != 0:
        return UnprivilegedLaunch((), programs, data)
    become = _in_namespace()
    if shutil.which("unshare") and _works([*become, "true"]):
        return UnprivilegedLaunch(become, programs, data)
    return launch_as_other_user(programs, data, libraries=libraries)


def _in_namespace() -> tuple[str, ...]:
    """The words that show a program another user id than 0: one with a name, since initdb looks it up."""
    user = pwd.getpwnam(_USER)
    return ("unshare", "-U", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")


def launch_as_other_user(programs: Path, data: Path, *, libraries: Path) -> UnprivilegedLaunch:
    """How to run as another user: next to `data` where that user can reach it, else below /var/tmp."""
    user = pwd.getpwnam(_USER)
    become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if not shutil.which("setpriv") or not _works([*become, "true"]):
        raise StartFailed(
            "PostgreSQL does not run as root, and this system allows neither `unshare -U` nor `setpriv`: "
            "run this as another user"
        )
    beside = _works([*become, "test", "-x", str(data.parent)])
    room = _private_folder(data.with_name("nobody") if beside else fallback_folder(data), user.pw_uid)
    # `test` rather than the program: setpriv itself still reaches what the user it becomes does not.
    if not _works([*become, "test", "-x", str(programs / "bin" / "postgres")]):
        programs = _copied(programs, libraries, room / "programs")
    return UnprivilegedLaunch(become, programs, room / "data", user.pw_uid)


def _copied(programs: Path, libraries: Path, home: Path) -> Path:
    """The programs' copy below `home`, with their libraries where they look for them."""
    copy = home / programs.parent.name / programs.name
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(programs, copy, symlinks=True)
        shutil.copytree(libraries, home / libraries.name)
        (home / "complete").touch()
    return copy


def fallback_folder(data: Path) -> Path:
    """The folder that stands in for `data` where `nobody` cannot reach it: the same one at every start."""
    digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return _REACHABLE / f"anden-{digest}"


def _private_folder(path: Path, user_id: int) -> Path:
    """The folder, owned by the user and closed to all others.

    Raises StartFailed: someone else made it, so what lies in it cannot be trusted.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if path.is_symlink() or found.st_uid != user_id or found.st_mode & 0o077:
            raise StartFailed(f"{path} belongs to somebody else: remove it and try again") from None
    os.chown(path, user_id, -1)
    return path


def _works(command: list[str]) -> bool:
    """Whether the command ends well here."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
