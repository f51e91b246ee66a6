"""The manifest of rendered files; every invalid file and object is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.monitoring.errors import ManifestInvalid
from apps.monitoring.grafana.client.rendered_files import documents as read_documents
from apps.monitoring.grafana.services import dashboards_plan, dashboards_sync
from apps.monitoring.grafana.sync.history import SyncRecord, as_documents, from_documents
from apps.monitoring.grafana.sync.manifest import READERS, manifest_from_documents
from apps.monitoring.grafana.sync.objects import ObjectKind
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, is_hash_of, resolve_placeholders, secret_hash
from apps.monitoring.grafana.sync.report import plan_lines
from tests.fakes.grafana.grafana import FakeGrafana
from tests.grafana_documents import NOW, MemorySyncHistory, dashboard, documents, manifest, panel, run_on

ROOT = Path(__file__).parents[4]


def faults(files: dict[str, Any]) -> list[str]:
    with pytest.raises(ManifestInvalid) as raised:
        manifest_from_documents(files)
    return str(raised.value).splitlines()


def test_the_committed_files_are_a_manifest_with_every_kind() -> None:
    found = manifest_from_documents(read_documents(ROOT / "dashboards/grafana"))
    assert {item.key.kind for item in found.objects} == set(ObjectKind) - {ObjectKind.RULE}
    assert {path.name for path in (ROOT / "dashboards/grafana/provisioning").iterdir()} == set(READERS)


def test_objects_are_in_order_of_dependency() -> None:
    kinds = [item.key.kind for item in manifest().objects]
    assert kinds == sorted(kinds, key=list(ObjectKind).index)
    deep = [{"uid": f"anden-{n}", "title": "Andén", "parentUid": f"anden-{n + 1}"} for n in range(3)]
    folders = [*deep, {"uid": "anden-3", "title": "Andén"}]
    files = {"provisioning/folders.json": folders}
    assert [item.key.uid for item in manifest_from_documents(files).objects] == [
        "anden-3",
        "anden-2",
        "anden-1",
        "anden-0",
    ]


def test_a_dashboard_is_in_the_folder_that_lists_it_or_in_the_first() -> None:
    folders = [
        {"uid": "anden-dashboards", "title": "Andén"},
        {"uid": "anden-alerts", "title": "Andén alerts", "dashboards": ["anden-ingest"]},
    ]
    folder_of = {
        item.key.uid: item.body.get("folderUid")
        for item in manifest_from_documents(documents(folders=folders)).objects
    }
    assert (folder_of["anden-overview"], folder_of["anden-ingest"]) == ("anden-dashboards", "anden-alerts")


def test_every_fault_is_named() -> None:
    files = documents(folders=[{"uid": "mine", "title": "Theirs"}])
    files["double.json"] = dashboard("anden-overview", "Double")
    files["foreign.json"] = dashboard("team-board", "Foreign")
    files["long.json"] = dashboard("anden-" + "x" * 40, "Long")
    files["odd.json"] = dashboard("anden-50%/a", "Odd")
    files["provisioning/mute-timings.json"][0]["name"] = "anden-nights/weekends"
    files["provisioning/alert-rules.json"][0]["title"] = "ingest/lag"
    files["provisioning/alert-rules.json"][1]["title"] = ".."
    files["provisioning/alert-rules.json"][1]["rules"][0]["uid"] = "anden-ü"
    files["provisioning/library-panels.json"] = []
    files["provisioning/contact-points.json"] = [{"name": "no uid"}]
    text = "\n".join(faults(files))
    for part in (
        "provisioning/library-panels.json: does not match Grafana's API",
        "provisioning/contact-points.json: does not match Grafana's API (KeyError: 'uid')",
        "dashboard anden-overview: declared 2 times",
        "dashboard team-board: must start with anden-",
        "longer than 40 characters",
        'folder mine: the title "Theirs" must start with Andén',
        'rule group anden-alerts/ingest/lag: its folder "anden-alerts" is not in folders.json',
        "dashboard anden-50%/a: a uid may contain only letters, digits, - and _",
        "rule anden-ü: a uid may",
        'mute timing anden-nights/weekends: the API cannot address the name "anden-nights/weekends"',
        'rule group anden-alerts/ingest/lag: the API cannot address the name "ingest/lag": remove the slash',
        'rule group anden-alerts/..: the API cannot address the name ".."',
    ):
        assert part in text


def test_a_file_with_invalid_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ManifestInvalid, match=r"a\.json is not valid JSON"):
        read_documents(tmp_path)


def test_an_empty_folder_names_the_command_that_renders(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match=r"run `manage\.py dashboards render`"):
        read_documents(tmp_path)


def test_an_unset_variable_is_named_with_the_object_that_needs_it() -> None:
    with pytest.raises(ManifestInvalid, match="ANDEN_GRAFANA_PAGER_KEY is not set, but contact point anden-pager"):
        resolve_placeholders(
            manifest_from_documents(documents()), PlaceholderValues({"ANDEN_GRAFANA_PROMETHEUS_URL": "http://p"}, {})
        )


def test_a_secret_inside_a_string_makes_the_string_secret() -> None:
    points = [
        {
            "uid": "anden-hook",
            "name": "anden-hook",
            "type": "webhook",
            "settings": {"url": "https://hook.example/${ANDEN_GRAFANA_PAGER_KEY}?a=${ANDEN_GRAFANA_PROMETHEUS_URL}"},
        }
    ]
    files = documents(policy=None, **{"contact-points": points})
    found = next(item for item in manifest(files).objects if item.key.uid == "anden-hook")
    assert "first-secret" not in repr(found)
    assert found.body_with_secrets()["settings"]["url"] == "https://hook.example/first-secret?a=http://prometheus:9090"
    assert "first-secret" not in json.dumps(found.body)


def test_a_hash_is_salted_and_matches_its_secret() -> None:
    first, second = secret_hash("secret", "aa"), secret_hash("secret", "bb")
    assert first != second
    assert is_hash_of(first, "secret")
    assert is_hash_of(second, "secret")
    assert not is_hash_of(first, "Secret")


def test_a_manifest_survives_the_history() -> None:
    kept = from_documents(json.loads(json.dumps(as_documents(manifest()))))
    assert SyncRecord(NOW, "a", kept).digest == SyncRecord(NOW, "b", manifest()).digest
    files = documents()
    files["overview.json"]["panels"].append(panel(9))
    assert SyncRecord(NOW, "a", manifest(files)).digest != SyncRecord(NOW, "a", kept).digest


def test_the_output_of_a_plan() -> None:
    fake, history = FakeGrafana(), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    files = documents()
    files["overview.json"]["panels"][0]["targets"][0]["expr"] = "min(lag)"
    files["fleet.json"] = dashboard("anden-fleet", "Fleet")
    files["provisioning/alert-rules.json"][0]["rules"][0]["for"] = "10m"
    del files["ingest.json"]
    assert "\n".join(plan_lines(dashboards_plan(run_on(fake, history), manifest(files)))) == PLAN


PLAN = """\
  + create dashboard anden-fleet "Fleet"
  ~ update dashboard anden-overview "Overview"
      panels["Panel 1"].targets[A].expr: "max(lag)" → "min(lag)"
  ~ update rule group anden-alerts/ingest
      rules[anden-lag].for: "300s" → "600s"

Plan: 1 to create, 2 to update, 0 to delete, 8 unchanged.
1 object no longer in the code; `manage.py dashboards prune` deletes them:
  dashboard anden-ingest "Ingest\""""
