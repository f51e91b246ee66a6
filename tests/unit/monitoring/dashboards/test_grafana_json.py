"""What Grafana is given: complete, the same in every process, and small whatever the fleet's size."""

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
from tests.unit.monitoring.dashboards.rendered_json import drawn, drawn_panels

ROOT: Final = Path(__file__).parents[4]
DRAW: Final = """
import django, hashlib, sys
django.setup()
from apps.monitoring.renderers.rendering import render_all
for path, text in render_all().items():
    print(path, hashlib.sha256(text.encode()).hexdigest())
"""
pages = pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.name)


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the key it stands under."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from strings(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part, key)
    elif isinstance(value, str):
        yield key, value


def nothings(value: Any, path: str = "") -> Iterator[str]:
    """Where null stands."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from nothings(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from nothings(part, path)


@pages
def test_every_panel_has_unit_description_source_variable_and_readable_names(page: Dashboard) -> None:
    variables = {each["name"]: each for each in drawn(page)["templating"]["list"]}
    for panel in drawn_panels(page):
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


@pages
def test_a_page_shows_deploys_and_leads_to_all_others_with_time_and_variables(page: Dashboard) -> None:
    body = drawn(page)
    (deploys,) = body["annotations"]["list"]
    assert deploys["enable"]
    assert deploys["datasource"]["uid"] == "-- Grafana --"
    assert deploys["target"]["tags"] == ["anden", "deploy"]
    assert deploys["target"]["matchAny"] is False
    assert all(link["includeVars"] and link["keepTime"] for link in body["links"])
    assert {"type": "dashboards", "tags": ["anden"]}.items() <= body["links"][-1].items()
    for panel in drawn_panels(page):
        assert all("${__url_time_range}" in link["url"] for link in panel.get("links", []))
        assert all("${__url_time_range}" in link["url"] for link in panel["fieldConfig"]["defaults"].get("links", []))


@pages
def test_colours_are_states_and_nothing_else(page: Dashboard) -> None:
    wanted = {*COLOURS.values(), CLEAR, DIMMED}
    named = [text for key, text in strings(drawn(page)) if key in {"color", "fixedColor", "iconColor", "lineColor"}]
    assert named
    assert set(named) <= wanted
    modes = {panel["fieldConfig"]["defaults"]["color"]["mode"] for panel in drawn_panels(page)}
    assert modes <= {"thresholds", "shades"}


@pages
def test_nothing_is_null_but_the_value_below_the_first_step(page: Dashboard) -> None:
    assert {path.rsplit(".", 2)[-2] + "." + path.rsplit(".", 1)[-1] for path in nothings(drawn(page))} <= {
        "steps.value"
    }


@pages
def test_what_is_not_known_is_grey_and_says_so(page: Dashboard) -> None:
    for panel in drawn_panels(page):
        special = panel["fieldConfig"]["defaults"]["mappings"][-1]
        assert special["type"] == "special"
        assert special["options"]["match"] == "null+nan"
        assert special["options"]["result"]["color"] == COLOURS["unknown"]
        assert special["options"]["result"]["text"] == "no data"


@pages
def test_a_page_is_an_object_that_grafana_can_keep(page: Dashboard) -> None:
    body = drawn(page)
    assert body["uid"] == f"anden-{page.name}"
    assert len(body["uid"]) <= 40
    assert "anden" in body["tags"]
    assert "id" not in body
    assert "version" not in body
    ids = [panel["id"] for panel in body["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(0 < each < 2**31 for each in ids)
    for panel in drawn_panels(page):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


@pages
def test_the_sdk_reads_what_it_wrote_and_writes_the_same(page: Dashboard) -> None:
    register_default_plugins()
    text = grafana_json(page)
    again = json.dumps(
        GrafanaDashboard.from_json(json.loads(text)), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
    )
    assert text == again + "\n", "a field that the schema of this Grafana does not know"


def test_the_text_is_the_same_in_any_process_and_with_any_hash_seed() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", DRAW],
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


def test_drawing_a_page_twice_or_after_others_changes_nothing() -> None:
    first = {page.name: grafana_json(page) for page in DASHBOARDS}
    again = {page.name: grafana_json(page) for page in reversed(DASHBOARDS)}
    assert first == again
    assert all(
        json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n" == text
        for text in first.values()
    )


@pages
def test_the_field_behind_lines_is_coloured_by_trouble_alone(page: Dashboard) -> None:
    trouble = {COLOURS["warning"], COLOURS["critical"]}
    for panel in drawn_panels(page):
        if panel["type"] == "timeseries":
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert {step["color"] for step in steps} <= {CLEAR, *trouble}
            style = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
            assert (style != "off") == bool({step["color"] for step in steps} & trouble)


def test_the_fleets_page_has_one_size_for_any_fleet() -> None:
    panels = drawn_panels(FLEET)
    copies = [SMALL_MULTIPLES if "repeat" in panel else 1 for panel in panels]
    queries = sum(len(panel["targets"]) * count for panel, count in zip(panels, copies, strict=True))
    size = len(grafana_json(FLEET).encode())
    print(f"fleet page: {sum(copies)} panels, {queries} queries, {size:,} bytes")  # noqa: T201 - a figure for whoever reads the log
    assert sum(copies) <= 12
    assert queries <= 25
    assert size <= 150_000


def test_the_fleets_page_never_asks_for_a_series_of_each_service() -> None:
    for panel in FLEET.panels:
        for target in panel.queries:
            text = str(getattr(target, "query", ""))
            bounded = "topk(" in text or '"$worst"' in text
            assert bounded or not re.search(r"by \([^)]*service", text), f"{panel.title}: {text}"


def test_every_unit_has_a_name_in_grafana() -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    assert set(UNITS) == set(Unit)
    assert {name for name in UNITS.values() if not name.startswith("suffix:")} <= known


def test_how_long_a_hundred_pages_take_is_printed() -> None:
    started = perf_counter()
    texts = [grafana_json(DASHBOARDS[number % len(DASHBOARDS)]) for number in range(100)]
    print(f"100 dashboards: {perf_counter() - started:.2f} s, {sum(map(len, texts)) // 100:,} characters each")  # noqa: T201 - as above
    assert len(set(texts)) == len(DASHBOARDS)
