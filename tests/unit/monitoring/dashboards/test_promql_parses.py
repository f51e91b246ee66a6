"""Prometheus parses every query of every dashboard."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import yaml

from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.model import Variable
from tests.unit.monitoring.dashboards.rendered_json import queries

VALUES: Final = {"__rate_interval": "5m", "__range": "6h", "__interval": "1m"}
"""Values of Grafana's built-in variables; Andén's own may be any quoted text."""


def filled(text: str) -> str:
    return re.sub(r"\$(\w+)", lambda found: VALUES.get(found[1], "any"), text)


def asked() -> list[tuple[str, str]]:
    """Every query with its place, variables included."""
    panels = [(f"{dashboard.name}: {panel.title}", target.query.text) for dashboard, panel, target in queries()]
    variables = [
        (f"{dashboard.name}: ${each.name}", each.query.text)
        for dashboard in DASHBOARDS
        for each in dashboard.variables
        if isinstance(each, Variable)
    ]
    return [*panels, *variables]


def test_promtool_accepts_every_query(require: Callable[[str], str], tmp_path: Path) -> None:
    promtool = require("promtool")
    rules = [
        {"record": f"query{number}", "expr": filled(text), "labels": {"place": place.replace("$", "")}}
        for number, (place, text) in enumerate(asked())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rules
    assert f"{len(rules)} rules found" in done.stdout


def test_queries_use_only_known_grafana_variables() -> None:
    for place, text in asked():
        assert "$" not in filled(text), place
        assert not re.search(r"\$__(?!rate_interval|range|interval)", text), place
