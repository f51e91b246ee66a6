import shutil
import tomllib
from pathlib import Path

import pytest

from embedded import jars
from embedded.errors import JarsDiffer


@pytest.fixture
def committed(tmp_path: Path) -> tuple[Path, Path]:
    """Copies of the committed spec and lock, to be spoilt."""
    return Path(shutil.copy(jars.SPEC, tmp_path)), Path(shutil.copy(jars.LOCK, tmp_path))


def test_every_locked_jar_has_a_checksum_and_the_lock_names_no_host() -> None:
    text = jars.LOCK.read_text()
    locked = tomllib.loads(text)["dependencies"]
    assert len(locked) > 40
    assert all(len(jar["sha256"]) == 64 for jar in locked)
    assert "://" not in text


def test_a_changed_spec_is_refused_until_the_lock_is_written_anew(committed: tuple[Path, Path]) -> None:
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


def test_a_jar_that_is_not_the_locked_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
