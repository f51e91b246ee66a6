import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest

from embedded import jars
from embedded.errors import JarsDiffer, NetworkNeeded


@pytest.fixture
def committed(tmp_path: Path) -> tuple[Path, Path]:
    """Copies of the committed spec and lock, to be corrupted."""
    return Path(shutil.copy(jars.SPEC, tmp_path)), Path(shutil.copy(jars.LOCK, tmp_path))


def test_every_locked_jar_has_a_checksum_and_the_lock_names_no_host() -> None:
    text = jars.LOCK.read_text()
    locked = tomllib.loads(text)["dependencies"]
    assert len(locked) > 40
    assert all(len(jar["sha256"]) == 64 for jar in locked)
    assert "://" not in text


def test_a_changed_spec_is_refused_until_the_lock_is_regenerated(committed: tuple[Path, Path]) -> None:
    spec, lock = committed
    spec.write_text(spec.read_text().replace("4.4.0", "4.3.0"))
    with pytest.raises(JarsDiffer, match=r"python -m embedded\.jars"):
        jars.class_path(spec, lock)


def test_a_lock_without_checksums_is_refused(committed: tuple[Path, Path]) -> None:
    spec, lock = committed
    lines = lock.read_text().splitlines(keepends=True)
    lock.write_text("".join(line for line in lines if not line.startswith("sha256")))
    with pytest.raises(JarsDiffer, match="checksum"):
        jars.class_path(spec, lock)


def test_a_jar_that_differs_from_the_lock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = jars.class_path()
    repo = tmp_path / "repository"
    root = next(folder for folder in real[0].parents if folder.name == "repository")
    for path in real:
        copy = repo / path.relative_to(root)
        copy.parent.mkdir(parents=True)
        copy.symlink_to(path)
    monkeypatch.setenv("M2_REPO", str(repo))
    assert len(jars.class_path()) == len(real)
    forged = repo / real[0].relative_to(root)
    forged.unlink()
    forged.write_bytes(b"not the jar")
    with pytest.raises(JarsDiffer, match="checksum mismatch"):
        jars.class_path()


def test_the_first_start_without_a_network_fails_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    # Nothing listens on the discard port.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(NetworkNeeded, match="connect to the network") as failure:
        jars.class_path()
    assert "\n" not in str(failure.value)


def test_an_interrupted_download_leaves_no_partial_jar_and_changes_no_other(tmp_path: Path) -> None:
    old, partial, complete = (tmp_path / name for name in ("old.jar", "partial.jar", "complete.jar"))
    old.write_bytes(b"from before")
    expected = {path: hashlib.sha256(b"all of it").hexdigest() for path in (old, partial, complete)}

    def fetch() -> None:
        complete.write_bytes(b"all of it")
        partial.write_bytes(b"all")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), jars._half_fetched_removed(expected):
        fetch()
    assert {path.name for path in tmp_path.iterdir()} == {"old.jar", "complete.jar"}
