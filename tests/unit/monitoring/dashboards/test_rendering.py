"""Committed files equal rendered ones; differences name the dashboard and panel or the rule."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.metrics import LAG_SECONDS
from apps.monitoring.renderers.rendered_diff import compare_files
from apps.monitoring.renderers.rendering import differences, render_all, write_all
from tests.unit.monitoring.dashboards.rendered_json import queries

COMMITTED: Final = Path(__file__).parents[4] / "dashboards"
OVERVIEW: Final = "grafana/overview.json"
RENAMED: Final = """
import dataclasses, pathlib, sys
from apps.ingest import metrics
metrics.LAG_SECONDS = dataclasses.replace(metrics.LAG_SECONDS, name="anden_ingest_behind_seconds")
import django
django.setup()
from apps.monitoring.renderers.rendering import differences
for each in differences(pathlib.Path(sys.argv[1])):
    print(each.path, each.part, sep="\\t")
"""
"""Renames one metric in the code and prints how the folder then differs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_all(tmp_path)
    return tmp_path


def edited(folder: Path, path: str, change: Callable[[Any], object]) -> None:
    body = json.loads((folder / path).read_text())
    change(body)
    (folder / path).write_text(json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def panel(body: Any, title: str) -> Any:
    return next(each for each in body["panels"] if each["title"] == title)


def test_committed_files_equal_rendered_files() -> None:
    assert [str(each) for each in differences(COMMITTED)] == [], "run make render and commit"
    assert {path: (COMMITTED / path).read_bytes() for path in render_all()} == {
        path: text.encode() for path, text in render_all().items()
    }


def test_written_files_do_not_differ_and_are_not_written_again(folder: Path) -> None:
    assert differences(folder) == ()
    assert write_all(folder) == ()


def test_edited_panel_is_named(folder: Path) -> None:
    edited(folder, OVERVIEW, lambda body: panel(body, "Worst lag")["targets"][0].update(expr="up"))
    (line,) = (str(each) for each in differences(folder))
    assert line.startswith(f'{OVERVIEW}: \'Worst lag\' targets[0].expr: "up" → "max (anden_')
    assert write_all(folder) == (OVERVIEW,)
    assert differences(folder) == ()


def test_removed_or_added_panel_is_named(folder: Path) -> None:
    edited(folder, OVERVIEW, lambda body: body["panels"].remove(panel(body, "Worst lag")))
    edited(folder, OVERVIEW, lambda body: body["panels"].append({"title": "Mine", "type": "text"}))
    assert [str(each) for each in differences(folder)] == [
        f"{OVERVIEW}: 'Worst lag' is missing",
        f"{OVERVIEW}: 'Mine' is not rendered any more",
    ]


def test_difference_outside_panels_is_reported_for_the_file(folder: Path) -> None:
    edited(folder, OVERVIEW, lambda body: body.update(title="Mine"))
    (line,) = (str(each) for each in differences(folder))
    assert line.startswith(f'{OVERVIEW}: title: "Mine" → "Andén')


def test_of_many_differences_in_a_panel_the_query_is_shown_and_the_rest_counted(folder: Path) -> None:
    edited(folder, OVERVIEW, lambda body: panel(body, "Worst lag").update(description="Mine", id=99))
    edited(folder, OVERVIEW, lambda body: panel(body, "Worst lag")["targets"][0].update(expr="up"))
    (line,) = (str(each) for each in differences(folder))
    assert "targets[0].expr" in line
    assert line.endswith(" (and 2 more)")


def test_other_formatting_differs_too(folder: Path) -> None:
    (folder / OVERVIEW).write_text(json.dumps(json.loads((folder / OVERVIEW).read_text())))
    assert [str(each) for each in differences(folder)] == [f"{OVERVIEW}: differs only in formatting"]


def test_missing_superfluous_and_unparsable_files_are_named(folder: Path) -> None:
    (folder / OVERVIEW).unlink()
    (folder / "grafana/mine.json").write_text("{}")
    (folder / "grafana/fleet.json").write_text("{")
    assert {str(each) for each in differences(folder)} == {
        f"{OVERVIEW}: is missing",
        "grafana/mine.json: is not rendered any more: delete it",
        "grafana/fleet.json: cannot be parsed",
    }
    assert write_all(folder) == ("grafana/fleet.json", "grafana/mine.json", OVERVIEW)


def test_writing_keeps_files_in_folders_that_are_not_rendered_into(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes/mine.txt").write_text("mine")
    assert write_all(folder) == ()
    assert (folder / "notes/mine.txt").exists()


def test_edited_rule_is_named(folder: Path) -> None:
    path = next(path for path in render_all() if path.endswith(".rules.yaml"))
    body = yaml.safe_load((folder / path).read_text())
    rule = body["groups"][0]["rules"][-1]
    rule["expr"] = "vector(1)"
    (folder / path).write_text(yaml.safe_dump(body, sort_keys=False))
    name = rule.get("alert") or rule.get("record")
    (difference,) = differences(folder)
    assert (difference.path, difference.part) == (path, name)
    assert difference.message.startswith('expr: "vector(1)" → ')


def test_renaming_a_metric_names_every_panel_and_rule_that_uses_it(folder: Path) -> None:
    output = subprocess.run(
        [sys.executable, "-c", RENAMED, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{COMMITTED.parent}:{COMMITTED.parent / 'platform'}"},
        cwd=COMMITTED.parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {(path, part) for path, part in (line.split("\t") for line in output.splitlines())}
    panels = {
        (f"grafana/{dashboard.name}.json", panel.title)
        for dashboard, panel, target in queries()
        if LAG_SECONDS in target.query.metrics
    }
    assert {(path, part) for path, part in found if path.startswith("grafana/")} == panels
    assert {("grafana/overview.json", "Lag by dataset"), ("grafana/ingest.json", "Worst lag")} <= panels
    assert ("prometheus/ingest.rules.yaml", "IngestLagGrowing") in found


NAMES: Final = st.sampled_from(["a", "b", "c", "d"])
FILES: Final = st.dictionaries(
    NAMES.map(lambda name: f"{name}.json"),
    st.dictionaries(NAMES, st.integers(0, 3)).map(
        lambda parts: json.dumps({"panels": [{"title": key, "value": value} for key, value in parts.items()]})
    ),
)


@given(committed=FILES, rendered=FILES)
def test_differences_exist_exactly_where_the_texts_differ(committed: dict[str, str], rendered: dict[str, str]) -> None:
    found = list(compare_files(committed=committed, rendered=rendered))
    wrong = {path for path in committed.keys() | rendered.keys() if committed.get(path) != rendered.get(path)}
    assert {each.path for each in found} == wrong
    for each in found:
        if each.part and each.path in committed and each.path in rendered:
            texts = [committed[each.path], rendered[each.path]]
            held = [{part["title"]: part["value"] for part in json.loads(text)["panels"]} for text in texts]
            assert held[0].get(each.part) != held[1].get(each.part)
