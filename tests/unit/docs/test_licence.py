"""The same licence everywhere, and a notice that names every bundled program and data set."""

import hashlib
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[3]
NOTICE: Final = (ROOT / "NOTICE").read_text(encoding="utf-8")
APACHE_2_0: Final = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""The SHA-256 of the licence text published by the Apache Software Foundation."""

CHARTS: Final = tuple(
    path for folder in ("charts", "gitops", "terraform") for path in sorted((ROOT / folder).rglob("Chart.yaml"))
)


def pinned(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE))


def compiled(names: set[str]) -> Iterator[str]:
    """The packages that are installed here with compiled parts."""
    for name in names:
        try:
            wheel = importlib.metadata.distribution(name).read_text("WHEEL") or ""
        except importlib.metadata.PackageNotFoundError:
            continue  # a package for another system
        if "Root-Is-Purelib: false" in wheel:
            yield name


def noticed() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)(?=[:,])", NOTICE, re.MULTILINE))


def test_the_licence_is_the_unchanged_apache_2_0() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0


def test_the_package_declares_its_licence_and_authors() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE", "NOTICE"]
    assert project["authors"] == [{"name": "The Andén authors"}]


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.parent.name)
def test_each_chart_declares_its_licence_and_authors(path: Path) -> None:
    chart: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert chart["annotations"]["artifacthub.io/license"] == "Apache-2.0"
    assert chart["maintainers"] == [{"name": "The Andén authors"}]


def test_the_image_declares_and_contains_its_licence() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 'org.opencontainers.image.licenses="Apache-2.0"' in text
    assert 'org.opencontainers.image.authors="The Andén authors"' in text
    assert re.search(r"^COPY LICENSE NOTICE ", text, re.MULTILINE)


def test_the_notice_names_every_package_with_compiled_parts() -> None:
    assert set(compiled(pinned("embedded.txt"))) - noticed() == set()


def test_the_notice_names_only_bundled_packages() -> None:
    assert noticed() - pinned("embedded.txt") - pinned("flights.txt") == set()
