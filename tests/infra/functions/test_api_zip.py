"""The API's zip is reproducible, within Lambda's limits, and built for Lambda's architecture."""

import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packing.api import EXCLUDED_PACKAGES, LAMBDA, REQUIREMENTS, ROOT, requirements
from packing.build import UNZIPPED_MIB, ZIPPED_MIB, ApiArchive, build
from tests.infra.functions.conftest import online

# Two builds with downloads take long on a busy machine.
pytestmark = pytest.mark.timeout(900)

MIB = 1024 * 1024
AARCH64 = 183


def libraries(built: ApiArchive) -> Iterator[tuple[str, bytes]]:
    """Native libraries in the zip: name and first bytes."""
    with zipfile.ZipFile(built.path) as archive:
        for name in archive.namelist():
            if re.search(r"\.so(\.\d+)*$", name):
                with archive.open(name) as file:
                    yield name, file.read(20)


@pytest.mark.property(14)
def test_the_build_is_reproducible(
    built: ApiArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence: Callable[[str], None]
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    time.tzset()
    former = os.umask(0o077)
    try:
        with online():
            again = build(tmp_path / "another name.zip")
    finally:
        os.umask(former)
        monkeypatch.undo()
        time.tzset()
    assert again.sha256 == built.sha256
    assert again.path.read_bytes() == built.path.read_bytes()
    evidence(f"the API's zip built twice: SHA-256 {built.sha256[:16]}… both times")


@pytest.mark.property(14)
def test_the_zip_is_within_lambdas_limits(built: ApiArchive, evidence: Callable[[str], None]) -> None:
    assert built.fits
    with zipfile.ZipFile(built.path) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) == built.unzipped
    zipped, unzipped = built.zipped / MIB, built.unzipped / MIB
    evidence(f"{zipped:.1f} MiB of {ZIPPED_MIB} zipped, {unzipped:.1f} MiB of {UNZIPPED_MIB} unzipped")


def test_the_guide_states_its_size(built: ApiArchive) -> None:
    guide = (ROOT / "docs/guides/functions.md").read_text(encoding="utf-8")
    quoted = re.search(r"([\d.]+) MiB, unpacked (\d+) MiB", guide)
    assert quoted, "docs/guides/functions.md names no sizes"
    # Package updates change the sizes slightly.
    assert float(quoted[1]) == pytest.approx(built.zipped / MIB, rel=0.1)
    assert float(quoted[2]) == pytest.approx(built.unzipped / MIB, rel=0.1)


def test_a_zip_that_lambda_would_refuse_does_not_fit(built: ApiArchive) -> None:
    assert not ApiArchive(built.path, "", 1, ZIPPED_MIB * MIB + 1, 1).fits
    assert not ApiArchive(built.path, "", 1, 1, UNZIPPED_MIB * MIB + 1).fits


def test_each_native_library_is_for_the_runtime_that_terraform_names(built: ApiArchive) -> None:
    """For the Python version and architecture that test_probe_zip checks in the plans."""
    found = dict(libraries(built))
    assert {name for name, head in found.items() if head[:4] != b"\x7fELF"} == set()
    assert {int.from_bytes(head[18:20], "little") for head in found.values()} == {AARCH64}
    tags = {match[1] for name in found if (match := re.search(r"\.(cpython-\d+|abi3)[-.]", name))}
    assert tags == {f"cpython-{LAMBDA.python.replace('.', '')}", "abi3"}
    assert len(found) > 30


def test_the_zip_contains_only_what_runs(built: ApiArchive) -> None:
    with zipfile.ZipFile(built.path) as archive:
        names = archive.namelist()
        packages = {name.partition("/")[0] for name in names}
        texts = {name: archive.read(name) for name in names if not re.search(r"\.so(\.\d+)*$", name)}
    assert {"functions", "config", "apps", "django", "psycopg_binary", "apig_wsgi", "static"} <= packages
    assert "functions/api.py" in names
    assert not packages & {"confluent_kafka", "gunicorn", "tests", "packing"}
    assert [name for name in names if re.search(r"(^|/)(__pycache__|tests|bin)/|\.(pyc|pyi|po)$", name)] == []
    machine = (str(ROOT).encode(), str(Path.home()).encode() + b"/", b"anden-function-")
    assert [name for name, text in texts.items() if any(path in text for path in machine)] == []


def test_every_requirement_is_read_and_exclusions_exist() -> None:
    """An exclusion that matches no requirement would have no effect."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in REQUIREMENTS)
    # numpy is pinned separately for older and newer Python versions.
    pins = {line.partition("==")[0] for line in text.splitlines() if re.match(r"\S+==", line)}
    assert len(list(requirements(LAMBDA))) == len(pins) - len(EXCLUDED_PACKAGES)
    assert [name for name in EXCLUDED_PACKAGES if not re.search(rf"^{name}==", text, re.MULTILINE)] == []
