"""Rendered files are what the code says, and what is not is named by page and panel or rule."""

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
PAGE: Final = "grafana/overview.json"
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
"""The code as it would be with another name for one metric, and how the folder then differs."""


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


def test_committed_files_are_what_the_code_renders_byte_for_byte() -> None:
    assert [str(each) for each in differences(COMMITTED)] == [], "run make render and commit"
    assert {path: (COMMITTED / path).read_bytes() for path in render_all()} == {
        path: text.encode() for path, text in render_all().items()
    }


def test_what_was_just_written_does_not_differ_and_is_not_written_again(folder: Path) -> None:
    assert differences(folder) == ()
    assert write_all(folder) == ()


def test_a_panel_that_was_edited_is_named(folder: Path) -> None:
    edited(folder, PAGE, lambda body: panel(body, "Worst lag")["targets"][0].update(expr="up"))
    (told,) = (str(each) for each in differences(folder))
    assert told.startswith(f'{PAGE}: \'Worst lag\' targets[0].expr: "up" → "max (anden_')
    assert write_all(folder) == (PAGE,)
    assert differences(folder) == ()


def test_a_panel_that_was_removed_or_added_is_named(folder: Path) -> None:
    edited(folder, PAGE, lambda body: body["panels"].remove(panel(body, "Worst lag")))
    edited(folder, PAGE, lambda body: body["panels"].append({"title": "Mine", "type": "text"}))
    assert [str(each) for each in differences(folder)] == [
        f"{PAGE}: 'Worst lag' is missing",
        f"{PAGE}: 'Mine' is not rendered by anything",
    ]


def test_what_belongs_to_no_panel_is_told_of_the_file(folder: Path) -> None:
    edited(folder, PAGE, lambda body: body.update(title="Mine"))
    (told,) = (str(each) for each in differences(folder))
    assert told.startswith(f'{PAGE}: title: "Mine" → "Andén')


def test_of_many_changes_in_a_panel_the_query_is_shown_and_the_rest_counted(folder: Path) -> None:
    edited(folder, PAGE, lambda body: panel(body, "Worst lag").update(description="Mine", id=99))
    edited(folder, PAGE, lambda body: panel(body, "Worst lag")["targets"][0].update(expr="up"))
    (told,) = (str(each) for each in differences(folder))
    assert "targets[0].expr" in told
    assert told.endswith(" (and 2 more)")


def test_other_bytes_with_the_same_meaning_differ_too(folder: Path) -> None:
    (folder / PAGE).write_text(json.dumps(json.loads((folder / PAGE).read_text())))
    assert [str(each) for each in differences(folder)] == [f"{PAGE}: is written in another way"]


def test_files_missing_too_many_and_unreadable_are_named(folder: Path) -> None:
    (folder / PAGE).unlink()
    (folder / "grafana/mine.json").write_text("{}")
    (folder / "grafana/fleet.json").write_text("{")
    assert {str(each) for each in differences(folder)} == {
        f"{PAGE}: is missing",
        "grafana/mine.json: is not rendered by anything: remove it",
        "grafana/fleet.json: cannot be read",
    }
    assert write_all(folder) == ("grafana/fleet.json", "grafana/mine.json", PAGE)


def test_writing_leaves_alone_what_lies_where_nothing_is_rendered(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes/mine.txt").write_text("mine")
    assert write_all(folder) == ()
    assert (folder / "notes/mine.txt").exists()


def test_a_rule_that_was_edited_is_named(folder: Path) -> None:
    path = next(path for path in render_all() if path.endswith(".rules.yaml"))
    body = yaml.safe_load((folder / path).read_text())
    rule = body["groups"][0]["rules"][-1]
    rule["expr"] = "vector(1)"
    (folder / path).write_text(yaml.safe_dump(body, sort_keys=False))
    name = rule.get("alert") or rule.get("record")
    (told,) = differences(folder)
    assert (told.path, told.part) == (path, name)
    assert told.what.startswith('expr: "vector(1)" → ')


def test_changing_a_metrics_name_in_code_names_every_panel_and_rule_that_uses_it(folder: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", RENAMED, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{COMMITTED.parent}:{COMMITTED.parent / 'platform'}"},
        cwd=COMMITTED.parent,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {(path, part) for path, part in (line.split("\t") for line in told.splitlines())}
    panels = {
        (f"grafana/{page.name}.json", panel.title)
        for page, panel, target in queries()
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
def test_there_is_a_difference_exactly_where_the_texts_differ(
    committed: dict[str, str], rendered: dict[str, str]
) -> None:
    found = list(compare_files(committed=committed, rendered=rendered))
    wrong = {path for path in committed.keys() | rendered.keys() if committed.get(path) != rendered.get(path)}
    assert {each.path for each in found} == wrong
    for each in found:
        if each.part and each.path in committed and each.path in rendered:
            texts = [committed[each.path], rendered[each.path]]
            held = [{part["title"]: part["value"] for part in json.loads(text)["panels"]} for text in texts]
            assert held[0].get(each.part) != held[1].get(each.part)
