"""What is rendered from the code: every file below dashboards/, and how committed files differ from it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from apps.monitoring.dashboards.definitions import CLOUDWATCH_DASHBOARDS, DASHBOARDS
from apps.monitoring.renderers.alertmanager_yaml import alertmanager_files
from apps.monitoring.renderers.cloudwatch_json import cloudwatch_json
from apps.monitoring.renderers.grafana_alerts import grafana_alert_files
from apps.monitoring.renderers.grafana_json import grafana_json
from apps.monitoring.renderers.prometheus_yaml import rule_files
from apps.monitoring.renderers.provisioning import data_sources_text, folders_text
from apps.monitoring.renderers.rendered_diff import RenderedDifference, compare_files

Renderer = Callable[[], Mapping[str, str]]
"""Answers the text of some files by their path below dashboards/."""


def _grafana_pages() -> Mapping[str, str]:
    return {f"grafana/{page.name}.json": grafana_json(page) for page in DASHBOARDS}


def _grafana_provisioning() -> Mapping[str, str]:
    return {
        "grafana/provisioning/datasources.json": data_sources_text(),
        "grafana/provisioning/folders.json": folders_text(),
    }


def _cloudwatch_pages() -> Mapping[str, str]:
    return {f"cloudwatch/{page.name}.json": cloudwatch_json(page) for page in CLOUDWATCH_DASHBOARDS}


RENDERERS: Final[tuple[Renderer, ...]] = (
    _grafana_pages,
    _grafana_provisioning,
    _cloudwatch_pages,
    rule_files,
    alertmanager_files,
    grafana_alert_files,
)
"""Everything that is rendered: one line for each kind of file."""


def render_all() -> dict[str, str]:
    """The text of every rendered file, by its path below dashboards/, in the order of the paths."""
    texts = {path: text for renderer in RENDERERS for path, text in renderer().items()}
    return dict(sorted(texts.items()))


def write_all(folder: Path) -> tuple[str, ...]:
    """Write what differs, and remove what the code does not render any more from the folders it renders into.

    Answers the paths that were touched, sorted.
    """
    texts, found = render_all(), _files(folder)
    rendered_into = {Path(path).parent for path in texts}
    stale = [path for path in found.keys() - texts.keys() if Path(path).parent in rendered_into]
    changed = [path for path, text in texts.items() if found.get(path) != text]
    for path in stale:
        (folder / path).unlink()
    for path in changed:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(texts[path].encode())
    return tuple(sorted((*stale, *changed)))


def differences(folder: Path) -> tuple[RenderedDifference, ...]:
    """How the files of the folder differ from what the code renders, by dashboard and panel or rule."""
    return tuple(compare_files(committed=_files(folder), rendered=render_all()))


def _files(folder: Path) -> dict[str, str]:
    """The texts below the folder; what is no text counts as different, not as an error."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode(errors="replace") for path in paths}
