"""The diagrams match their sources, and the AWS diagram has a node for each module and chart."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.requirement import skip_or_fail

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs/diagrams"
SOURCES = sorted(FOLDER.glob("*.dot"))
GROUP = re.compile(r'<g id="((?:module|chart)\.[^"]+)"')
COLOUR = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
LEGIBLE = 4.5  # WCAG 2, level AA, for text of this size.


def ids(path: Path) -> list[str]:
    """The ids of the diagram's nodes and clusters that represent a folder."""
    return sorted(html.unescape(name) for name in GROUP.findall(path.read_text(encoding="utf-8")))


def folders() -> list[str]:
    """The ids that must exist: one per Terraform module and chart."""
    modules = [f"module.{path.name}" for path in (ROOT / "terraform/modules").iterdir() if path.is_dir()]
    charts = [f"chart.{path.parent.name}" for path in (ROOT / "charts").glob("*/Chart.yaml")]
    return sorted([*modules, *charts])


def test_aws_has_a_node_for_each_module_and_each_chart_and_for_nothing_else() -> None:
    assert ids(FOLDER / "aws.svg") == folders()
    assert len(folders()) > 13


@pytest.fixture(scope="module")
def rendered(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every source rendered by the renderer that the lock file pins."""
    npm, node = require("npm"), require("node")
    folder = tmp_path_factory.mktemp("diagrams")
    for path in FOLDER.iterdir():
        if path.suffix in {".dot", ".css", ".mjs", ".json"}:
            shutil.copy(path, folder)
    got = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode:
        skip_or_fail("the diagram renderer could not be downloaded")
    subprocess.run([node, "render.mjs"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_diagram_is_what_its_source_renders_to(source: Path, rendered: Path) -> None:
    made = (rendered / source.name).with_suffix(".svg").read_text(encoding="utf-8")
    assert source.with_suffix(".svg").read_text(encoding="utf-8") == made


def test_every_diagram_has_its_source_and_is_listed() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in FOLDER.glob("*.svg")} == {path.stem for path in SOURCES}
    assert all(f"({path.stem}.svg)" in listed for path in SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_diagram_has_both_colour_schemes_and_loads_nothing_external(source: Path) -> None:
    text = source.with_suffix(".svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<script" not in text


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb. Source: WCAG 2, section 1.4.3."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_is_legible_on_every_background(scheme: int) -> None:
    parts = (FOLDER / "style.css").read_text(encoding="utf-8").split("@media")
    colours = dict(COLOUR.findall(parts[scheme].partition(".graph")[0]))
    backgrounds = [colours[name] for name in ("card", "zone", "aws", "pod", "data", "out", "bad")]
    assert [colour for colour in backgrounds if contrast(colours["ink"], colour) < LEGIBLE] == []
    assert [colour for colour in backgrounds if contrast(colours["quiet"], colour) < LEGIBLE] == []


def test_the_lock_file_pins_the_renderer_by_its_contents_and_names_no_registry() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
    got = {name.removeprefix("node_modules/"): found for name, found in lock["packages"].items() if name}
    assert {name: found["version"] for name, found in got.items()} == wanted
    assert all(found["integrity"].startswith("sha512-") and "resolved" not in found for found in got.values())
