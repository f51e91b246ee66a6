"""Renders every file below dashboards/, and compares it with the committed one."""

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
"""Returns texts by path below dashboards/."""


def _grafana_dashboards() -> Mapping[str, str]:
    return {f"grafana/{dashboard.name}.json": grafana_json(dashboard) for dashboard in DASHBOARDS}


def _grafana_provisioning() -> Mapping[str, str]:
    return {
        "grafana/provisioning/datasources.json": data_sources_text(),
        "grafana/provisioning/folders.json": folders_text(),
    }


def _cloudwatch_dashboards() -> Mapping[str, str]:
    return {f"cloudwatch/{dashboard.name}.json": cloudwatch_json(dashboard) for dashboard in CLOUDWATCH_DASHBOARDS}


RENDERERS: Final[tuple[Renderer, ...]] = (
    _grafana_dashboards,
    _grafana_provisioning,
    _cloudwatch_dashboards,
    rule_files,
    alertmanager_files,
    grafana_alert_files,
)
"""Every renderer, one per type of file."""


def render_all() -> dict[str, str]:
    """The text of every rendered file by its path below dashboards/, sorted by path."""
    texts = {path: text for renderer in RENDERERS for path, text in renderer().items()}
    return dict(sorted(texts.items()))


def write_all(folder: Path) -> tuple[str, ...]:
    """Write files that differ, and delete files that are no longer rendered from the folders rendered into.

    Returns the paths written or deleted, sorted.
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
    """How the folder's files differ from what the code renders, by dashboard and panel or rule."""
    return tuple(compare_files(committed=_files(folder), rendered=render_all()))


def _files(folder: Path) -> dict[str, str]:
    """The texts of all files below the folder; binary content counts as different, not as an error."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode(errors="replace") for path in paths}
