"""The embedded Kafka's jars, downloaded once by jgo and verified against the committed lock at every start.

jgo writes a lock but does not verify it. This module does: the class path holds only the locked jars, and a jar with
another checksum is refused. To regenerate the lock: python -m embedded.jars
"""

import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests
from jgo.config import GlobalSettings
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockedDependency, LockFile, compute_spec_hash
from jgo.maven import Dependency, MavenContext

from embedded.errors import JarsDiffer, NetworkNeeded

SPEC: Final = Path(__file__).with_name("jgo.toml")
LOCK: Final = Path(__file__).with_name("jgo.lock.toml")

_REWRITE: Final = "run python -m embedded.jars and commit the lock"


def class_path(spec: Path = SPEC, lock: Path = LOCK) -> list[Path]:
    """The paths of the locked jars, in the lock's order; missing ones are downloaded first.

    Raises NetworkNeeded: connect once, then call again.
    Raises JarsDiffer: the resolved set or a checksum differs from the lock, run nothing.
    """
    locked = LockFile.load(lock)
    if locked.spec_hash != compute_spec_hash(spec):
        raise JarsDiffer(f"{spec.name} changed after {lock.name} was written: {_REWRITE}")
    context = _context()
    jars = {_path(context.repo_cache, jar): jar.sha256 for jar in locked.dependencies}
    if _missing(jars):
        with _one_at_a_time(context.repo_cache), _half_fetched_removed(jars):
            _refuse_other_set(locked, _fetch(spec, context))
    wrong = next((path for path, sha256 in jars.items() if _sha256(path) != sha256), None)
    if wrong is not None:
        raise JarsDiffer(f"{wrong} is not the locked jar (checksum mismatch): remove that file and try again")
    return list(jars)


def missing_jars(lock: Path = LOCK) -> list[Path]:
    """The locked jars that are not downloaded yet."""
    repo = _context().repo_cache
    return _missing(_path(repo, jar) for jar in LockFile.load(lock).dependencies)


def _missing(jars: Iterable[Path]) -> list[Path]:
    return [path for path in jars if not path.exists()]


def write_lock(spec: Path = SPEC, lock: Path = LOCK) -> int:
    """Resolve the spec, write a new lock, and return its number of jars."""
    context = _context()
    with _one_at_a_time(context.repo_cache):
        jars = _fetch(spec, context)
    made = LockFile.from_resolved_dependencies(jars, environment_name="anden-kafka", spec_hash=compute_spec_hash(spec))
    made.save(lock)
    return len(jars)


def _context() -> MavenContext:
    """jgo's repositories, including the user's settings, which may configure a mirror."""
    settings = GlobalSettings.load()
    return MavenContext(repo_cache=settings.repo_cache, remote_repos=settings.repositories or None)


def _path(repo: Path, jar: LockedDependency) -> Path:
    folder = repo / jar.groupId.replace(".", "/") / jar.artifactId / jar.version
    return folder / f"{jar.artifactId}-{jar.version}.{jar.packaging}"


def _fetch(spec: Path, context: MavenContext) -> list[Dependency]:
    """Download every jar that the spec resolves to."""
    wanted = EnvironmentBuilder(context=context).spec_to_dependencies(EnvironmentSpec.load(spec))
    try:
        inputs, transitive = context.resolver.resolve(wanted)
        jars = [*inputs, *transitive]
        for jar in jars:
            jar.artifact.resolve()
    except (requests.RequestException, RuntimeError) as exc:
        raise NetworkNeeded(
            "Kafka's jars are not installed yet and could not be downloaded "
            f"({type(exc).__name__}): connect to the network and try again"
        ) from exc
    return jars


def _refuse_other_set(locked: LockFile, resolved: list[Dependency]) -> None:
    """Raise JarsDiffer if the resolved set differs from the lock."""
    expected = {(jar.groupId, jar.artifactId, jar.version) for jar in locked.dependencies}
    found = {(jar.artifact.groupId, jar.artifact.artifactId, jar.artifact.version) for jar in resolved}
    if expected != found:
        names = ", ".join(sorted(":".join(jar) for jar in expected ^ found))
        raise JarsDiffer(f"the resolved jars are not the locked ones ({names}): {_REWRITE}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _half_fetched_removed(jars: Mapping[Path, str | None]) -> Iterator[None]:
    """If the block fails, remove partial downloads: jgo would treat them as complete the next time."""
    missing = _missing(jars)
    try:
        yield
    except BaseException:
        for path in missing:
            if path.exists() and _sha256(path) != jars[path]:
                path.unlink()
        raise


@contextmanager
def _one_at_a_time(repo: Path) -> Iterator[None]:
    """Only one process downloads at a time: jgo writes straight to the final path."""
    repo.mkdir(parents=True, exist_ok=True)
    with (repo / ".anden.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    print(f"{LOCK.name}: {write_lock()} jars")
