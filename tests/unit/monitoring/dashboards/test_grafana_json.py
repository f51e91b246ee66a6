"""Grafana's JSON is complete, the same in every process, and small for any fleet."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard

from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.dashboards.definitions.fleet import FLEET
from apps.monitoring.dashboards.fleet_queries import SMALL_MULTIPLES
from apps.monitoring.dashboards.model import Dashboard, Unit
from apps.monitoring.renderers.grafana_json import grafana_json
from apps.monitoring.renderers.grafana_terms import CLEAR, COLOURS, DIMMED, UNITS
from tests.unit.monitoring.dashboards.rendered_json import rendered, rendered_panels

ROOT: Final = Path(__file__).parents[4]
RENDER: Final = """
import django, hashlib, sys
django.setup()
from apps.monitoring.renderers.rendering import render_all
for path, text in render_all().items():
    print(path, hashlib.sha256(text.encode()).hexdigest())
"""
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.name)


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string with its key."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from strings(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part, key)
    elif isinstance(value, str):
        yield key, value


def null_paths(value: Any, path: str = "") -> Iterator[str]:
    """The path of every null."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from null_paths(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from null_paths(part, path)


@each_dashboard
def test_every_panel_has_unit_description_data_source_variable_and_legends(dashboard: Dashboard) -> None:
    variables = {each["name"]: each for each in rendered(dashboard)["templating"]["list"]}
    for panel in rendered_panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS.values()
        assert defaults["noValue"] == "no data"
        assert panel["description"]
        assert panel["targets"]
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
            assert source == {"type": source["type"], "uid": f"${{{source['type']}}}"}
            assert variables[source["type"]]["type"] == "datasource"
        for target in panel["targets"]:
            assert target.get("legendFormat") or target.get("label")
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"]


@each_dashboard
def test_dashboard_annotates_deploys_and_links_to_all_others_with_time_and_variables(dashboard: Dashboard) -> None:
    body = rendered(dashboard)
    (deploys,) = body["annotations"]["list"]
    assert deploys["enable"]
    assert deploys["datasource"]["uid"] == "-- Grafana --"
    assert deploys["target"]["tags"] == ["anden", "deploy"]
    assert deploys["target"]["matchAny"] is False
    assert all(link["includeVars"] and link["keepTime"] for link in body["links"])
    assert {"type": "dashboards", "tags": ["anden"]}.items() <= body["links"][-1].items()
    for panel in rendered_panels(dashboard):
        assert all("${__url_time_range}" in link["url"] for link in panel.get("links", []))
        assert all("${__url_time_range}" in link["url"] for link in panel["fieldConfig"]["defaults"].get("links", []))


@each_dashboard
def test_colours_are_status_colours_only(dashboard: Dashboard) -> None:
    wanted = {*COLOURS.values(), CLEAR, DIMMED}
    named = [
        text for key, text in strings(rendered(dashboard)) if key in {"color", "fixedColor", "iconColor", "lineColor"}
    ]
    assert named
    assert set(named) <= wanted
    modes = {panel["fieldConfig"]["defaults"]["color"]["mode"] for panel in rendered_panels(dashboard)}
    assert modes <= {"thresholds", "shades"}


@each_dashboard
def test_only_the_value_of_the_first_step_is_null(dashboard: Dashboard) -> None:
    assert {path.rsplit(".", 2)[-2] + "." + path.rsplit(".", 1)[-1] for path in null_paths(rendered(dashboard))} <= {
        "steps.value"
    }


@each_dashboard
def test_missing_data_is_grey_and_labelled(dashboard: Dashboard) -> None:
    for panel in rendered_panels(dashboard):
        special = panel["fieldConfig"]["defaults"]["mappings"][-1]
        assert special["type"] == "special"
        assert special["options"]["match"] == "null+nan"
        assert special["options"]["result"]["color"] == COLOURS["unknown"]
        assert special["options"]["result"]["text"] == "no data"


@each_dashboard
def test_dashboard_has_valid_uid_tags_and_ids(dashboard: Dashboard) -> None:
    body = rendered(dashboard)
    assert body["uid"] == f"anden-{dashboard.name}"
    assert len(body["uid"]) <= 40
    assert "anden" in body["tags"]
    assert "id" not in body
    assert "version" not in body
    ids = [panel["id"] for panel in body["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(0 < each < 2**31 for each in ids)
    for panel in rendered_panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


@each_dashboard
def test_sdk_round_trip_is_lossless(dashboard: Dashboard) -> None:
    register_default_plugins()
    text = grafana_json(dashboard)
    again = json.dumps(
        GrafanaDashboard.from_json(json.loads(text)), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
    )
    assert text == again + "\n", "a field is missing in the SDK's schema"


def test_text_is_independent_of_process_and_hash_seed() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", RENDER],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "4711")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) > len(DASHBOARDS)


def test_rendering_twice_or_in_another_order_gives_the_same_text() -> None:
    first = {dashboard.name: grafana_json(dashboard) for dashboard in DASHBOARDS}
    again = {dashboard.name: grafana_json(dashboard) for dashboard in reversed(DASHBOARDS)}
    assert first == again
    assert all(
        json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n" == text
        for text in first.values()
    )


@each_dashboard
def test_background_of_time_series_shows_warnings_and_critical_values_only(dashboard: Dashboard) -> None:
    problem = {COLOURS["warning"], COLOURS["critical"]}
    for panel in rendered_panels(dashboard):
        if panel["type"] == "timeseries":
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert {step["color"] for step in steps} <= {CLEAR, *problem}
            style = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
            assert (style != "off") == bool({step["color"] for step in steps} & problem)


def test_fleet_dashboard_has_a_fixed_size() -> None:
    panels = rendered_panels(FLEET)
    copies = [SMALL_MULTIPLES if "repeat" in panel else 1 for panel in panels]
    queries = sum(len(panel["targets"]) * count for panel, count in zip(panels, copies, strict=True))
    size = len(grafana_json(FLEET).encode())
    print(f"fleet dashboard: {sum(copies)} panels, {queries} queries, {size:,} bytes")  # noqa: T201 - a figure for the log
    assert sum(copies) <= 12
    assert queries <= 25
    assert size <= 150_000


def test_fleet_dashboard_never_queries_a_series_per_service() -> None:
    for panel in FLEET.panels:
        for target in panel.queries:
            text = str(getattr(target, "query", ""))
            bounded = "topk(" in text or '"$worst"' in text
            assert bounded or not re.search(r"by \([^)]*service", text), f"{panel.title}: {text}"


def test_every_unit_has_a_grafana_unit() -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    assert set(UNITS) == set(Unit)
    assert {name for name in UNITS.values() if not name.startswith("suffix:")} <= known


def test_render_time_of_a_hundred_dashboards_is_printed() -> None:
    started = perf_counter()
    texts = [grafana_json(DASHBOARDS[number % len(DASHBOARDS)]) for number in range(100)]
    print(f"100 dashboards: {perf_counter() - started:.2f} s, {sum(map(len, texts)) // 100:,} characters each")  # noqa: T201 - as above
    assert len(set(texts)) == len(DASHBOARDS)
